#!/usr/bin/perl
# Keys that are not of our form while Redis hangs, is empty or answers nonsense,
# and while somebody makes up keys without end.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Digest::SHA qw(sha256_hex);
use Test::More;
use Time::HiRes qw(time);
use Tollgate::Edge;

my $t = Tollgate::Edge->begin(conf => <<'CONF');
        tollgate on;
        tollgate_timeout 300ms;
        tollgate_cost 1;
        tollgate_foreign_keys on cache=50ms;
        location / { proxy_pass http://backend; }
        location /open { tollgate_on_error open; proxy_pass http://backend; }
        location /stale { tollgate_on_error stale; proxy_pass http://backend; }
        location /few {
            tollgate_on_error open;
            tollgate_foreign_keys on cache=50ms lookups=20;
            proxy_pass http://backend;
        }
        location /kept { tollgate_foreign_keys on cache=1h; proxy_pass http://backend; }
CONF
$t->aliases_whole;

sub code {
    my ($key, $path) = @_;
    my $r = $t->get($path // '/', 'X-API-Key' => $key);
    return $r->{status} == 200 ? 200 : "$r->{status} $r->{json}{code}";
}

# The statuses of a request each, all at once, and how often there is which.
sub flood {
    my ($path, @keys) = @_;
    my %count;
    while (my @some = splice @keys, 0, 100) {
        $count{ $_->{status} }++
            for $t->parallel(map { ['GET', $path, { 'X-API-Key' => $_ }] } @some);
    }
    return \%count;
}

my $c = $t->foreign($t->customer(avail => 1000), 'customer-key-1');
my $d = $t->foreign($t->customer(avail => 1000), 'customer-key-2');

# A store that lacks aliases takes no key for unknown.
my $unknown = 'nobody has this key';
is code($unknown), '401 key_unknown', 'a key without an alias is unknown';
my $mark = $t->alias_key('one in an empty shard') =~ s/:\w+$//r;
$t->r('DEL', $mark);
is code('one in an empty shard'), '503 store_unreachable', 'but not where aliases are missing';
is code('one in an empty shard', '/open'), 200, 'then tollgate_on_error holds';
$t->r('SET', $mark, 1);
is code('one in an empty shard'), '401 key_unknown', 'until they are there again';

# Nonsense in the place of an alias.
$t->r('SET', $t->alias_key('nonsense-1'), 'not an account');
$t->r('HSET', $t->alias_key('nonsense-2'), 'a', 'b');
is code("nonsense-$_"), '503 store_unreachable', 'nonsense in an alias decides nothing' for 1, 2;
is code('customer-key-1'), 200, 'and others pass';

# Redis hangs.
is code('customer-key-1', $_), 200, "the key passes at $_" for '/', '/open', '/stale';
$t->wait_for(sub { $t->avail($c) == 996_000_000 }, 'four to be paid');
kill 'STOP', $t->{redis_pid};
my $start = time;
my @got = map { $_->{status} } $t->parallel(map { ['GET', $_->[1], { 'X-API-Key' => $_->[0] }] }
    ['customer-key-1', '/'], ['customer-key-1', '/open'], ['customer-key-1', '/stale'],
    ['customer-key-2', '/'], ['customer-key-2', '/open'], ['customer-key-2', '/stale'], ['never seen before', '/']);
my $took = time - $start;
kill 'CONT', $t->{redis_pid};
is "@got", '503 200 200 503 200 503 503', 'each gets what its directive says, as with keys of ours';
cmp_ok $took, '<', 3, 'in time: a lookup and a decision take tollgate_timeout each at most';
$t->wait_for(sub { code('customer-key-1') eq 200 && code('customer-key-2') eq 200 }, 'Redis to be back');

# What passed without a decision is booked by the hash of the key.
my $hash = 'sha256:' . sha256_hex('customer-key-2');
my ($record) = grep { $_->{key} eq $hash && $_->{status} == 200 } $t->used('-', 5);
is "$record->{verdict} $record->{cost}", 'pass_open 1000000', 'which its usage record tells, with the price';
my ($before, $passed) = (0, 0);
$t->wait_for(sub {
    $passed = grep { $_->{verdict} eq 'pass' } $t->usage($c->{account});
    $t->avail($c) == 1_000_000_000 - $passed * 1_000_000 && $passed >= 5
}, 'the balance to be what passed');
is $t->avail($c), 1_000_000_000 - $passed * 1_000_000, 'nothing that lay in the queue was charged';

# Junk without end: what Redis sees of it is bounded, and nobody gets in by it.
is code('customer-key-1', '/few'), 200, 'a key is known';
$before = $t->calls_of('get');
$start = time;
my $count = flood('/few', map { "junk key number $_" } 1 .. 1000);
my $seconds = int(time - $start) + 2;
my $lookups = $t->calls_of('get') - $before;
is $count->{200} // 0, 0, 'with tollgate_on_error open too no junk passes';
is $count->{401} + $count->{503}, 1000, 'it is refused, by an answer or for want of one';
cmp_ok $lookups, '<=', 20 * $seconds, "Redis saw $lookups lookups of 1000";
is $count->{401}, $lookups, 'each of which was answered';
my $good = 0;
for (1 .. 20) {
    flood('/few', map { "junk key $_ again" } 1 .. 50);
    $good++ if code('customer-key-1', '/few') eq 200;
}
is $good, 20, 'a key that was known passes all the while, though its entry is old';
$t->foreign($c, 'customer-key-3');
$t->wait_for(sub { code('customer-key-3', '/few') eq 200 }, 'a key that was not known');
like $t->error_log, qr/more than 20 keys that are not known .* hint: limit who sends them/, 'the log tells';

# Junk pushes nobody out, and an answer is kept for a second.
is code('customer-key-1', '/kept'), 200, 'a key is known for an hour';
flood('/kept', map { "other junk $_" } 1 .. 2000);
$before = $t->calls_of('get');
is code('customer-key-1', '/kept'), 200, 'after more junk than is kept';
is $t->calls_of('get'), $before, 'it still is';
$before = $t->calls_of('get');
$start = time;
flood('/kept', ('the same junk') x 500);
cmp_ok $t->calls_of('get') - $before, '<=', 20 * (int(time - $start) + 2), 'the same key is hardly ever looked up';

done_testing;
