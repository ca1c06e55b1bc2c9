#!/usr/bin/perl
# The worker over sentinels: it finds the master, follows to the next one, and
# posts what the old one had, once.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Tollgate::Fleet;
use Tollgate::Gate;
use Tollgate::Story;

my $t = Tollgate::Story->new;
my $secret = 'tell-nobody-4711';
$t->spew('sentinel.password', "$secret\n");
$t->fleet('sentinel', replicas => 1, sentinel => ["requirepass $secret"],
          sentinel_auth => [$secret]);
$t->postgres;

# a sentinel that is away, one that hangs, and the three
my $hang = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 5);
my @sentinels = ('127.0.0.1:1', '127.0.0.1:' . $hang->sockport, $t->fleet_servers);
$t->worker($t->fleet_worker, 'redis.server' => "@sentinels",
           'redis.sentinel_password_file' => "$t->{dir}/sentinel.password",
           'redis.timeout' => '1s', 'settle.idle_ms' => 20);
$t->load_demo;
my @customers = map { $t->customer(credits => '1000') } 1 .. 3;
is $t->n('node1', 'HGET', Tollgate::wallet_key($customers[0]{account}), 'avail'),
    1_000_000_000, 'the worker finds the master that the sentinels name';

my $paid = 0;

# Charges a credit n times for each customer.
sub pay {
    my ($n) = @_;

    for my $c (@customers) {
        gate($t, $c->{account}, { key => $c->{key}, cost => 1_000_000,
                                  feature => 'video.view' }) for 1 .. $n;
    }
    $paid += $n;

    return;
}

sub books_are_right {
    my ($credits, $when) = @_;

    $t->mirrored;
    $t->settled;
    is join(' ', map { $t->balance($_) } @customers),
        join(' ', ($credits - $paid) x @customers), "each request is posted once $when";
    my $proof = $t->verified;
    ok $proof->{ok}, 'and the proof agrees' or diag explain $proof;

    return;
}

pay(3);
books_are_right(1000, 'over the first master');

# events that nobody has read, and commands while there is no master
my ($settle) = grep { $t->slurp("/proc/$_/comm") =~ /^settle/ } $t->children('worker');
kill 'STOP', $settle;
pay(4);
$t->in_sync;
$t->node_kill('node1');
$t->must('POST', "/api/accounts/$_->{account}/credits",
         { credits => '7', source => 'promo' }) for @customers;
is +($t->api('GET', '/api/ledger/verify'))[0], 503,
    'without a master the proof says so';
is $t->failed_over('node1'), 'node2', 'the sentinels choose the replica';
kill 'CONT', $settle;
pay(2);
books_are_right(1007, 'after the master was killed');

# the new one loses its place while all connections to it stay
$t->node_start('node1');
$t->wait_for(sub { $t->n('node1', 'ROLE')->[0] eq 'slave' }, 'the old master to follow');
$t->sentinels_agree;
$t->in_sync;
kill 'STOP', $settle;
pay(2);
$t->in_sync;
$t->wait_for(sub { !ref $t->n_try('sentinel1', 'SENTINEL', 'FAILOVER', 'tollgate') },
             'a failover to be ordered');
is $t->failed_over('node2'), 'node1', 'they change places when told to';
$t->wait_for(sub { $t->n('node2', 'ROLE')->[0] eq 'slave' }, 'the other to follow');
kill 'CONT', $settle;
$t->must('POST', "/api/accounts/$_->{account}/credits",
         { credits => '3', source => 'promo' }) for @customers;
pay(2);
books_are_right(1010, 'after they changed places');
unlike $t->slurp('worker.log'), qr/role \w+ ended|frozen|refused: |not trimmed/,
    'no role died and nothing was refused';

my (undef, $doctor) = $t->api('GET', '/api/doctor');
my %check = map { $_->{name} => $_ } @{ $doctor->{checks} };
my $master = $t->node_address('node1');
like $check{'redis topology'}{detail}, qr/^sentinel: 1 master, the first \Q$master\E/,
    'the doctor tells the master';
ok $check{'redis replicas'}{ok}, 'and that a replica follows it';
$t->node_kill('node2');
$t->wait_for(sub {
    (undef, $doctor) = $t->api('GET', '/api/doctor');
    grep { $_->{name} eq 'redis replicas' && !$_->{ok} } @{ $doctor->{checks} };
}, 'the doctor to miss the replica');

$t->worker_stop;
$t->spew('worker.log', '');
$t->worker($t->fleet_worker, 'redis.sentinel' => 'unheard-of',
           'redis.sentinel_password_file' => "$t->{dir}/sentinel.password");
$t->wait_for(sub { $t->slurp('worker.log') =~ /the sentinel knows no such master/ },
             'a name that no sentinel knows to be told');
unlike $t->slurp('worker.log'), qr/\Q$secret\E/, 'and no password is in the log';

done_testing;
