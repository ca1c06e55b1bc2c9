#!/usr/bin/perl
# Keys that are not of our form over a Redis Cluster: the alias is on one node,
# the wallet on another, and either may move or fail.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Tollgate::Edge;
use Tollgate::Fleet;

my $t = Tollgate::Edge->begin(fleet => ['cluster', replicas => 1], conf => <<'CONF');
        tollgate on;
        tollgate_timeout 2s;
        tollgate_cost 1;
        tollgate_foreign_keys on cache=1ms;
        location / { proxy_pass http://backend; }
        location /soon { tollgate_timeout 1s; proxy_pass http://backend; }
        location /kept { tollgate_timeout 1s; tollgate_foreign_keys on cache=1h; proxy_pass http://backend; }
CONF
$t->aliases_whole;

sub code {
    my ($key, $path) = @_;
    my $r = $t->get($path // '/', 'X-API-Key' => $key);
    return $r->{status} == 200 ? 200 : "$r->{status} $r->{json}{code}";
}

# A customer, and keys of it whose aliases are on each of the three masters.
my $c = $t->customer(avail => 1000);
my $home = $t->node_of(Tollgate::wallet_key($c->{account}));
my ($n, %key) = 0;
until (keys %key == 3) {
    my $key = 'cluster key ' . ++$n;
    $key{ $t->node_of($t->alias_key($key)) } //= $key;
}
$t->foreign($c, $_) for values %key;
is code($key{$_}), 200, "the alias is on $_, the wallet on $home" for sort keys %key;
my $paid = 3;

# Nobody's keys, whose aliases would be anywhere.
is code("nobody's key $_"), '401 key_unknown', 'unknown keys are that wherever they would be' for 1 .. 8;

# The slot of an alias moves, step by step.
my ($from) = grep { $_ ne $home } sort keys %key;
my ($to) = grep { $_ ne $home && $_ ne $from } sort keys %key;
my $alias = $t->alias_key($key{$from});
my $slot = Tollgate::slot($alias);
my $same_slot;
for ($n = 0; !$same_slot; $n++) {
    $same_slot = "key nobody has $n" if Tollgate::slot($t->alias_key("key nobody has $n")) == $slot;
}
$t->slot_move_begin($slot, $to);
is code($key{$from}), 200, 'its slot begins to move';
is code($same_slot), '401 key_unknown', 'an unknown key of that slot is one still';
1 while $t->slot_move_keys($slot, $from, $to, 100);
is code($key{$from}), 200, 'it is gone: the gate follows with ASK';
is code($same_slot), '401 key_unknown', 'and a key that is at neither place is unknown';
$t->slot_move_end($slot, $from, $to);
is code($key{$from}), 200, 'the move is over: the gate follows with MOVED';
is code($same_slot), '401 key_unknown', 'an unknown one too';
$paid += 3;

# The node of an alias is away, that of the wallet is not.
is code($key{$to}, '/kept'), 200, 'a key is known';
$paid++;
$t->wait_for(sub { $t->avail($c) == (1000 - $paid) * 1_000_000 }, 'all to be paid once');
is $t->avail($c), (1000 - $paid) * 1_000_000, 'each request is paid once';
$t->node_pause($to);
my $fresh;
for ($n = 0; !$fresh; $n++) {
    $fresh = "fresh key $n" if Tollgate::slot($t->alias_key("fresh key $n")) == Tollgate::slot($t->alias_key($key{$to}));
}
is code($fresh, '/soon'), '503 store_unreachable', 'its node hangs: a key that was not known is not decided';
is code($key{$to}, '/kept'), 200, 'one that is remembered passes';
is code($key{$to}, '/soon'), 200, 'even where that was long ago';
is code($key{$home}, '/soon'), 200, 'and those of other nodes anyway';
$t->node_resume($to);
$t->wait_for(sub { code($fresh) eq '401 key_unknown' }, 'the node, or its replica, to answer');

# Its master dies.
$t->node_kill($to);
$t->wait_for(sub { code($fresh) eq '401 key_unknown' }, 'its replica to take over', 30);
is code($key{$to}), 200, 'after a failover aliases are found';
unlike $t->error_log, qr/cluster key|fresh key|nobody/, 'no key is in the log';

done_testing;
