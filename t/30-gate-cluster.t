#!/usr/bin/perl
# The gate over a Redis Cluster: requests find the master of their account while
# slots move and masters die, and each is charged once.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Tollgate::Edge;
use Tollgate::Fleet;
use Tollgate::Gate;

my $t = Tollgate::Edge->begin(workers => 2,
    fleet => ['cluster', replicas => 1], conf => <<'CONF');
        tollgate on;
        tollgate_timeout 2s;
        tollgate_cost 10;
        location / { proxy_pass http://backend; }
        location /open { tollgate_on_error open; proxy_pass http://backend; }
CONF

# Customers on each of the three masters.
my %at;
until (keys %at == 3) {
    my $c = $t->customer(avail => 10_000);
    my $name = $t->node_of(Tollgate::wallet_key($c->{account}));
    $at{$name} //= { %$c, node => $name, paid => 0, sent => 0 };
}
my @all = map { $at{$_} } sort keys %at;

# Sends requests of a customer; the statuses. Those of 200 have to be paid.
sub send_for {
    my ($c, $count, $path) = @_;

    my @got = map { $_->{status} } $t->parallel(
        map { ['GET', $path // '/', { 'X-API-Key' => $c->{key} }] } 1 .. $count);
    $c->{paid} += grep { $_ == 200 } @got;
    $c->{sent} += $count;

    return join ' ', sort @got;
}

sub paid {
    my ($c, $what) = @_;

    my $want = 10_000_000_000 - $c->{paid} * 10_000_000;
    $t->wait_for(sub { $t->avail($c) == $want }, "$what: to be paid");

    return is $t->avail($c), $want, "$what: each request has paid once";
}

for my $c (@all) {
    is send_for($c, 5), '200 200 200 200 200', "requests pass on $c->{node}";
    paid($c, $c->{node});
}

# A slot moves, step by step.
my $c = $all[0];
my $wallet = Tollgate::wallet_key($c->{account});
my $slot = Tollgate::slot($wallet);
my $to = $all[1]{node};
my $from = $t->slot_move_begin($slot, $to);
is send_for($c, 2), '200 200', 'a slot begins to move: requests pass';

$t->slot_move_keys($slot, $from, $to, 1, $wallet);
my @waiting = map { $t->send_request($c, 'GET', '/') } 1 .. 3;
is send_for($all[1], 2), '200 200', 'those of other slots pass meanwhile';
1 while $t->slot_move_keys($slot, $from, $to, 100);
my @got = map { Tollgate::Http::read_response($_)->{status} } @waiting;
is "@got", '200 200 200', 'half way they wait for the rest of its keys';
$c->{$_} += 3 for qw(paid sent);

is send_for($c, 2), '200 200', 'all keys have gone: requests follow with ASK';
is send_for($c, 2, '/?status=500'), '500 500', 'some fail';
$t->slot_move_end($slot, $from, $to);
is send_for($c, 3), '200 200 200', 'the slot has gone: they follow it';
paid($c, 'the move');
is_deeply [map { $_->{s} } events($t, $c->{account})],
    [1 .. events($t, $c->{account})], 'the register has no gap';

# Slots move back and forth under load.
my $other = $to;
for my $round (1 .. 4) {
    my $next = (grep { $_ ne $other } $t->masters)[$round % 2];
    my @sockets = map { $t->send_request($c, 'GET', '/') } 1 .. 20;
    my $old = $t->slot_move_begin($slot, $next);
    push @sockets, map { $t->send_request($c, 'GET', '/') } 1 .. 20;
    1 while $t->slot_move_keys($slot, $old, $next, 1);
    push @sockets, map { $t->send_request($c, 'GET', '/') } 1 .. 20;
    $t->slot_move_end($slot, $old, $next);
    $other = $next;
    my %count;
    $count{ Tollgate::Http::read_response($_)->{status} }++ for @sockets;
    is_deeply \%count, { 200 => 60 }, "all pass while the slot moves ($round)";
    $c->{$_} += 60 for qw(paid sent);
}
paid($c, 'moves under load');

# Usage records and the catalog have slots of their own.
for my $key ('tg:{usage}', 'tg:catalog') {
    my $mine = Tollgate::slot($key);
    my $old = $t->node_of($key);
    $t->slot_move($mine, (grep { $_ ne $old } $t->masters)[0]);
}
$t->catalog(@Tollgate::Edge::CATALOG, 'model app:new image.generate 0 1 0');
$t->wait_for(sub { 1 == grep { /catalog version 2/ } split /\n/,
                   $t->error_log }, 'the catalog to be found where it went');
send_for($c, 3);
is scalar($t->used($c->{account}, $c->{sent})), $c->{sent},
    'usage records follow their slot';
paid($c, 'these');

# A master dies, its replica takes over.
$t->cluster_ok;
$t->in_sync;
my ($victim) = grep { $t->node_of(Tollgate::wallet_key($_->{account}))
                          eq $all[2]{node} } @all;
my ($safe) = grep { $_ != $victim } @all;
$t->node_kill($all[2]{node});
is $t->get('/', 'X-API-Key' => $victim->{key})->{status}, 503,
    'a master dies: requests of its accounts are refused';
is $t->get('/open', 'X-API-Key' => $victim->{key})->{status}, 200,
    'or pass, where the gate fails open';
is send_for($safe, 3), '200 200 200', 'those of others pass';
$t->wait_for(sub {
    2 <= (() = $t->error_log =~ /redis "127[^"]+" is not needed any more/g)
}, 'a replica to take over, and both nginx workers to let the dead one go', 20);
is send_for($victim, 5), '200 200 200 200 200', 'and requests pass again';
paid($victim, 'over the failover');
paid($safe, 'all the time');

# nginx starts while a part of the cluster is away, by a seed that lives
$t->nginx_stop;
$t->nginx_start;
is send_for($_, 2), '200 200', 'a new nginx finds all masters' for @all;
paid($_, 'after a start') for @all;
unlike $t->error_log, qr/\[(?:alert|emerg|crit)\]/, 'nothing terrible happened';

done_testing;
