#!/usr/bin/perl
# The worker over a Redis Cluster: slots that move while events are written, a
# master that dies with events in it, and each event posted once.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Tollgate::Fleet;
use Tollgate::Gate;
use Tollgate::Story;

my $t = Tollgate::Story->new;
$t->fleet('cluster', replicas => 1);
$t->postgres;
# one that is away and two that know the others are enough
my @servers = ('127.0.0.1:1', map { $t->node_address($_) } qw(node1 node4));
$t->worker($t->fleet_worker, 'settle.idle_ms' => 20, 'settle.batch' => 10,
           'redis.server' => "@servers");
$t->load_demo;

my @customers = map { $t->customer(credits => '1000') } 1 .. 6;
my %slot = map { Tollgate::slot(Tollgate::wallet_key($_->{account})) => 1 } @customers;
cmp_ok scalar(grep { @{ $t->n($_, 'KEYS', 'tg:*:w:*') } } $t->masters), '>', 1,
    'the wallets are on several nodes';
is scalar(grep { $t->r('EXISTS', "tg:{$_}:plan:payg") } 0 .. 63), 64,
    'each shard has its plans';
ok $t->r('EXISTS', 'tg:catalog'), 'and the catalog is where it belongs';

my (undef, $doctor) = $t->api('GET', '/api/doctor');
my %check = map { $_->{name} => $_ } @{ $doctor->{checks} };
like $check{'redis topology'}{detail}, qr/^cluster: 3 masters.* 0 slots without/,
    'the doctor sees the cluster';
ok $doctor->{ok}, 'and finds it well'
    or diag explain [grep { !$_->{ok} } @{ $doctor->{checks} }];

my (undef, undef, $page) = $t->api('GET', '/api/metrics');
like $page->{body}, qr/^tollgate_ledger_stream_lag_entries 0$/m,
    'metrics sum over all of its masters';

# Charges a credit n times for each customer; counts those that passed, also by
# customer: one whose wallet has moved and whose plan has not is refused.
my @paid = (0) x @customers;

sub pay {
    my ($n) = @_;

    for my $i (0 .. $#customers) {
        my $c = $customers[$i];
        for (1 .. $n) {
            my $answer = gate($t, $c->{account}, { key => $c->{key},
                cost => 1_000_000, feature => 'video.view' });
            $paid[$i]++ if $answer->{verdict} eq 'pass';
        }
    }

    return;
}

sub books_are_right {
    my ($granted, $when) = @_;

    $t->settled;
    is join(' ', map { $t->balance($_) } @customers[1 .. $#customers]),
        join(' ', map { 1000 + $granted - $paid[$_] } 1 .. $#customers),
        "each request is posted once $when";
    my $proof = $t->verified;
    ok $proof->{ok}, 'and the proof agrees' or diag explain $proof;

    return;
}

# all slots move away under a writer and a mirror that goes on carrying
my $writer = $t->beside(sub {
    pay(1) until -e "$t->{dir}/enough";
    $t->spew('paid', "@paid");
});
for my $slot (sort keys %slot) {
    my ($to) = grep { $_ ne $t->node_of($slot) } $t->masters;
    my $from = $t->slot_move_begin($slot, $to);
    $t->must('POST', "/api/accounts/$_->{account}/credits",
             { credits => '1', source => 'promo' }) for @customers;
    1 while $t->slot_move_keys($slot, $from, $to, 1);
    $t->slot_move_end($slot, $from, $to);
}
$t->spew('enough', '');
waitpid $writer, 0;
is $?, 0, 'somebody wrote events while all slots moved';
@paid = split / /, $t->slurp('paid');
cmp_ok $paid[1], '>', 3, 'and not few';
my $granted = keys %slot;
$t->mirrored;
books_are_right($granted, 'while their slots moved');

# half of a slot's keys on either side: neither loses anything
my ($slot) = map { Tollgate::slot(Tollgate::wallet_key($_->{account})) } $customers[0];
my ($to) = grep { $_ ne $t->node_of($slot) } $t->masters;
my $from = $t->slot_move_begin($slot, $to);
$t->slot_move_keys($slot, $from, $to, 1, Tollgate::ledger_key($customers[0]{account}));
$t->must('POST', "/api/accounts/$customers[0]{account}/credits",
         { credits => '5', source => 'promo' });
$t->wait_for(sub { $t->slurp('worker.log') =~ /TRYAGAIN/ },
             'a command to fail for a slot between two nodes');
$t->slot_move_keys($slot, $from, $to, 1, Tollgate::wallet_key($customers[0]{account}));
$t->slot_move_keys($slot, $from, $to, 1,
                   Tollgate::ledger_key($customers[0]{account}) =~ s/ledger$/s/r);
$t->mirrored;
$t->wait_for(sub { $t->balance($customers[0]) == 1005 + $granted - $paid[0]
    && !$t->r('XLEN', Tollgate::ledger_key($customers[0]{account})) },
    'events to be settled and trimmed where they are asked for');
1 while $t->slot_move_keys($slot, $from, $to, 100);
$t->slot_move_end($slot, $from, $to);
$t->mirrored;
books_are_right($granted, 'when the slot has moved');
is $t->balance($customers[0]), 1005 + $granted - $paid[0], 'and so is the command';

# a master dies with events that nobody has read
my ($settle) = grep { $t->slurp("/proc/$_/comm") =~ /^settle/ } $t->children('worker');
kill 'STOP', $settle;
pay(5);
$t->in_sync;
my $old = $t->node_of($slot);
my $events = $t->r('XLEN', Tollgate::ledger_key($customers[0]{account}));
cmp_ok $events, '>=', 5, 'events wait in a master';
$t->cluster_fail_over($old);
is $t->r('XLEN', Tollgate::ledger_key($customers[0]{account})), $events,
    'and in the replica that took over';
$t->must('POST', "/api/accounts/$_->{account}/credits",
         { credits => '2', source => 'promo' }) for @customers;
$granted += 2;
kill 'CONT', $settle;
$t->mirrored;
pay(2);
books_are_right($granted, 'after a master died with them');

$t->node_start($old);
$t->in_sync;
unlike $t->slurp('worker.log'), qr/role \w+ ended|frozen|refused: /, 'no role died, nothing was refused';

# what no server has is told; a node may hear of the slot from one that still has it
$t->wait_for(sub {
    $t->n_try("node$_", 'CLUSTER', 'DELSLOTS', 16383) for 1 .. 6;
    my (undef, $doctor) = $t->api('GET', '/api/doctor');
    grep { $_->{name} eq 'redis topology' && !$_->{ok} && $_->{detail} =~ /, 1 slots without/ }
        @{ $doctor->{checks} };
}, 'the doctor to miss a slot');
is +($t->api('GET', '/api/ledger/verify'))[0], 200, 'and all others go on';

done_testing;
