#!/usr/bin/perl
# The whole way over a Redis Cluster: people pay while slots move and a master
# dies; afterwards the edge and the books agree to the micro-credit.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Tollgate::Fleet;
use Tollgate::Story;

my $t = Tollgate::Story->begin(fleet => ['cluster', replicas => 1],
    conf => <<'CONF', worker => { 'settle.batch' => 20 });
        tollgate on;
        tollgate_cost 10;
        tollgate_timeout 500ms;
        location / { proxy_pass http://backend; }
        location /broken { proxy_pass http://unix:%%DIR%%/none.sock; }
CONF

# Two customers on each master.
my %at;
until (keys %at == 3 && !grep { @$_ < 2 } values %at) {
    my $c = $t->customer(credits => '100000');
    push @{ $at{ $t->node_of(Tollgate::wallet_key($c->{account})) } }, $c;
}
my @all = map { @{$_}[0, 1] } values %at;
my %paid = map { $_->{account} => 0 } @all;

# Everybody sends so many requests, each third of which fails behind the gate.
sub traffic {
    my ($count) = @_;

    for my $c (@all) {
        my @got = map { $_->{status} } $t->parallel(map {
            ['GET', $_ % 3 ? '/' : '/broken', { 'X-API-Key' => $c->{key} }]
        } 1 .. $count);
        $paid{ $c->{account} } += grep { $_ == 200 } @got;
        fail("a request is answered $_") for grep { !/^(200|502|503)$/ } @got;
    }

    return 1;
}

traffic(9);

# Slots move to and fro, stopping half way, while commands come as well.
my @names = $t->masters;
for my $round (0 .. 2) {
    my $c = $all[$round];
    my $slot = Tollgate::slot(Tollgate::wallet_key($c->{account}));
    my $from = $t->node_of($slot);
    my ($to) = grep { $_ ne $from } @names;
    $t->slot_move_begin($slot, $to);
    traffic(3);
    $t->must('POST', "/api/accounts/$c->{account}/credits",
             { credits => '5', source => 'promo' });
    $paid{ $c->{account} } -= 0.5;
    1 while $t->slot_move_keys($slot, $from, $to, 3) && traffic(1);
    traffic(3);
    $t->slot_move_end($slot, $from, $to);
    traffic(3);
}

# A master dies when its replica has all that it had.
$t->mirrored;
$t->in_sync;
$t->cluster_ok;
my $dead = $t->node_of(Tollgate::wallet_key($all[0]{account}));
$t->node_kill($dead);
traffic(6);
$t->wait_for(sub {
    $t->call($_, 'GET', '/broken')->{status} == 502 || return 0 for @all;
    1
}, 'a replica to take over', 30);
traffic(9);
$t->must('POST', "/api/accounts/$all[0]{account}/credits",
         { credits => '20', source => 'promo' });
$paid{ $all[0]{account} } -= 2;

$t->mirrored;
$t->wait_for(sub {
    !grep { $t->balance($_) != 100_000 - 10 * $paid{ $_->{account} } } @all;
}, 'everything to be settled', 30);
$t->settled;

cmp_ok $paid{ $_->{account} }, '>', 10, 'a customer has paid' for @all;
is $t->balance($_), 100_000 - 10 * $paid{ $_->{account} },
    'for each answer once' for @all;
my $proof = $t->verified;
ok $proof->{ok}, 'edge and ledger agree' or diag explain $proof;
is scalar $t->sql('select count(*) from account where state = $1', 'frozen'), 0,
    'no account is frozen';
is scalar $t->sql(q{select count(*) - count(distinct (account, request_id))
                   from charge where kind = 'charge'}), 0, 'none is charged twice';

done_testing;
