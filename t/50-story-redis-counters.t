#!/usr/bin/perl
# Redis loses everything: what was used of limits with a name is known again, of
# each meter and holder, and what was told of a threshold is not told again.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Tollgate::Story;

my $t = Tollgate::Story->begin(worker => { 'proof.round' => '50ms' }, conf => <<'CONF',
    tollgate on;
    location /image { tollgate_feature image.generate; tollgate_cost 10; proxy_pass http://backend; }
    location /video { tollgate_feature video.generate; tollgate_cost 50; proxy_pass http://backend; }
    location /free { tollgate_feature file.download; tollgate_cost 0; proxy_pass http://backend; }
CONF
    backend => 'if ($arg_status = 500) { return 500 "failed\n"; } return 200 "ok\n";');

sub limits { return $t->must('PUT', "/api/$_[0]", { limits => [@_[1 .. $#_]] }) }
sub sent { return $t->request('GET', $_[1], { 'X-API-Key' => $_[0]{key} }) }

# Statuses of so many requests, or why one was refused, and by which limit.
sub tried {
    my ($key, $path, $n) = @_;

    return join ', ', map {
        my $r = sent($key, $path);
        $r->{status} == 200 ? 200 : join ' ', grep { defined } $r->{status}, @{ $r->{json} }{qw(code limit)};
    } 1 .. $n // 1;
}

# What the wallet has of limits, rates aside.
sub counters {
    my %wallet = @{ $t->r('HGETALL', Tollgate::wallet_key($_[0]{account})) };

    return { map { $_ => $wallet{$_} } grep { /^u:/ && $wallet{$_} =~ / / } keys %wallet };
}
sub told {
    return join ', ', map { "$_->{limit} $_->{percent}" } grep { $_->{limit} && $_->{percent} }
        @{ $t->must('GET', "/api/events?account=$_[0]{account}")->{data} };
}

# One who pays in credits has two keys of an app and one of another.
my $c = $t->customer(credits => '5000');
my $other = $t->must('POST', "/api/accounts/$c->{account}/apps", { name => 'Other' })->{id};
my @keys = ({ id => $c->{key_id}, key => $c->{key} }, map { $t->must('POST', '/api/keys', { app => $_ }) } $c->{app}, $other);
tried($keys[0], '/image', 3);

# What was used before a limit was made is no part of it, not after a loss either.
limits("accounts/$c->{account}/limits",
    { name => 'company', meter => 'credits', max => '290', window => 'life', thresholds => [50, 60, 100] },
    { name => 'calls', meter => 'requests', max => 21, window => 'life', thresholds => [] },
    { name => 'films', meter => 'requests', max => 4, window => 'life', feature => 'video.*', thresholds => [50] },
    { name => 'each', meter => 'requests', max => 3, window => 'life', feature => 'file.download', per => 'key', thresholds => [] },
    { name => 'burst', meter => 'rate', rate => '1000/s', burst => 100 });
limits("apps/$c->{app}", { name => 'team', meter => 'credits', max => '250', window => 'life', thresholds => [] });
limits("keys/$keys[1]{id}", { name => 'person', meter => 'credits', max => '80', window => 'life', thresholds => [] });

# And one who has units by his plan, whose limits count for each key and app.
$t->must('PUT', '/api/plans/units', { name => 'Units', tier => 'basic', mode => 'subscription', price => '1', day_units => 500, limits => [
    { name => 'own', meter => 'units', max => 6, window => 'life', per => 'key', thresholds => [50] },
    { name => 'app', meter => 'units', max => 9, window => 'life', per => 'app', feature => 'image.generate', thresholds => [] }] });
my $s = $t->customer(plan => 'units');
my @units = ({ key => $s->{key} }, $t->must('POST', '/api/keys', { app => $s->{app} }));
my $without = $t->customer(credits => '100');
$t->mirrored;
$t->wait_for(sub { tried($units[0], '/image') eq '200' }, 'the plan to be there');

is tried($keys[0], '/image', 2), '200, 200', 'two images by one key';
is tried($keys[1], '/image', 3), '200, 200, 200', 'three by another';
is tried($keys[2], '/video', 1), '200', 'a video by an app of its own';
is tried($keys[0], '/video', 1), '200', 'and one by the first';
is tried($keys[0], '/video?status=500', 1), '500', 'one that failed, by which thresholds were told of';
is tried($keys[0], '/free', 2), '200, 200', 'and two that cost nothing';
is tried($units[0], '/image', 2), '200, 200', 'units by one key';
is tried($units[1], '/image', 4), '200, 200, 200, 200', 'and by the other';
is tried($without, '/image', 1), '200', 'one without limits';

# Usage records are behind by a moment; the refund too.
$t->wait_for(sub { $t->sql(q{select count(*) from charge where kind = 'refund'}) == 1 }, 'the refund');
$t->wait_for(sub { $t->sql(q{select count(*) from usage_event where feature = 'file.download'}) == 2 }, 'usage records');
$t->settled;
my %was = map { $_->{account} => counters($_) } $c, $s, $without;
is scalar(keys %{ $was{ $c->{account} } }), 6, 'limits of the account, an app and a key have counters';
is scalar(keys %{ $was{ $s->{account} } }), 3, 'those of the plan for each key, and the app';
my $told = told($c);
is $told, 'company 50, films 50, company 60', 'what was told, by one that was given back too';
is told($s), 'own 50, own 50', 'for each key';

$t->r('FLUSHALL');
$t->wait_for(sub { !grep { !$t->r('EXISTS', Tollgate::wallet_key($_->{account})) } $c, $s, $without }, 'all wallets to be there again');
$t->wait_for(sub { !$t->sql('select count(*) from recovery where done_at is null') }, 'the end of it');
$t->mirrored;
is_deeply counters($_), $was{ $_->{account} }, 'counters are those that were lost' for $c, $s, $without;

# By hand: 150 of 290 credits were used, 30 of 80 of them by the second key, and 9 requests of 21 were.
$t->wait_for(sub { sent($keys[1], '/image')->{status} == 200 }, 'the gate to go on');
is tried($keys[1], '/video'), '429 cap_reached person', 'a key that has 40 left of its 80 has no video';
is tried($keys[1], '/image', 5), '200, 200, 200, 200, 429 cap_reached person', 'but four images';
is tried($keys[2], '/video', 2), '200, 429 cap_reached company', 'the account has 90 left: one video, and no other';
is tried($keys[2], '/image', 4), '200, 200, 200, 200', 'but four images';
is tried($keys[0], '/free', 2), '200, 429 cap_reached each', 'what costs nothing was counted';
is tried($keys[2], '/free', 2), '200, 429 cap_reached calls', 'with all other requests';
$t->wait_for(sub { sent($units[0], '/image')->{status} == 200 }, 'that shard');
is tried($units[0], '/image', 2), '200, 429 quota_exceeded app', 'of units the app had two left';
is tried($units[0], '/video', 2), '200, 429 quota_exceeded own', 'and the key one more';
$t->settled;
is told($c), "$told, company 100", 'a threshold is told of once, the next one too';
is told($s), 'own 50, own 50', 'of each key too';

ok $t->verified->{ok}, 'edge and ledger agree';

done_testing;
