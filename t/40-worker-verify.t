#!/usr/bin/perl
# The proof finds every kind of difference between Redis and the ledger, and no other.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Tollgate::Gate;
use Tollgate::Story;

my $t = Tollgate::Story->new;
$t->redis;
$t->postgres;
$t->worker('settle.batch' => 3, 'settle.idle_ms' => 5,
           'worker.roles' => 'settle mirror jobs api');
$t->load_demo;

my $c = $t->customer(credits => '100');
my @busy = map { $t->customer(credits => '1000000') } 1 .. 3;
my $wallet = Tollgate::wallet_key($c->{account});

sub pay {
    my ($customer) = @_;

    return gate($t, $customer->{account},
                { key => $customer->{key}, cost => 500_000 });
}

pay($c) for 1 .. 150;

# Holds while requests are charged and settled in small batches.  The child
# stays a few events ahead of the ledger.
my $parent = $$;
my $child = fork // die "fork: $!\n";
if ($child == 0) {
    delete $t->{connection};
    while (getppid == $parent) {
        pay($_) for grep {
            $t->r('XLEN', Tollgate::ledger_key($_->{account})) < 20
        } @busy;
    }
    POSIX::_exit(0);
}
my @found;
$t->wait_for(sub {
    push @found, @{ $t->verified->{differences} };
    $t->sql('select count(*) from charge where account <> $1', $c->{account}) > 200;
}, 'requests to be charged and settled meanwhile', 30);
kill 'KILL', $child;
waitpid $child, 0;
is_deeply \@found, [], 'nothing is wrong while requests are charged and settled';

# Holds however far the ledger is behind.
my $master = $t->{processes}{worker};
my ($settle) = grep { $t->slurp("/proc/$_/comm") =~ /^settle/ }
    split ' ', $t->slurp("/proc/$master/task/$master/children");
$t->settled;
kill 'STOP', $settle;
pay($busy[0]) for 1 .. 1200;
is_deeply $t->verified->{differences}, [],
    'nothing is wrong with a thousand events that wait';
kill 'CONT', $settle;

# The first difference that the proof finds after a change, and its sides.
sub difference {
    my (@path) = @_;

    my $proof = $t->must('GET', '/api/ledger/verify' . ($path[0] // ''));
    is scalar @{ $proof->{differences} }, 1, 'one account differs';
    ok !$proof->{ok}, 'and the proof says no';

    return @{ $proof->{differences}[0] }{qw(account redis ledger reason)};
}

$t->settled;
my $proof = $t->verified;
is $proof->{accounts}, 4, 'all accounts are looked at';
ok $proof->{ok}, 'in peace it holds';
is_deeply [map { $_->{sum} } @{ $proof->{assets} }], ['0'],
    'and the ledger sums to zero';
is $t->balance($c), '25', 'with what was charged';

$t->r('HINCRBY', $wallet, 'avail', 1);
is_deeply [difference()], [$c->{account}, '25.000001', '25', 'register'],
    'a micro-credit too many is found';
$t->r('HINCRBY', $wallet, 'avail', -2_000_001);
is_deeply [difference("?account=$c->{account}")],
    [$c->{account}, '23', '25', 'register'], 'credits that are missing are found';
$t->r('HINCRBY', $wallet, 'avail', 2_000_000);
$proof = $t->must('GET', "/api/ledger/verify?account=$c->{account}");
ok $proof->{ok}, 'and what is put right is right again';
is $proof->{accounts}, 1, 'one account can be looked at alone';

$t->r('HINCRBY', $wallet, 'seq', 1);
is +(difference())[3], 'register_gap', 'an event that is missing is found';
$t->r('HINCRBY', $wallet, 'seq', -1);

$t->r('HSET', $wallet, 'epoch', 7);
is +(difference())[3], 'epoch', 'another incarnation is found';
$t->r('HSET', $wallet, 'epoch', 1);

$t->r('RENAME', $wallet, 'aside');
is +(difference())[3], 'wallet_missing', 'a wallet that is lost is found';
$t->r('RENAME', 'aside', $wallet);
ok $t->verified->{ok}, 'nothing is wrong in the end';

is_deeply $proof->{chains}, {}, 'chains of hashes are of all accounts';
$proof = $t->verified;
is_deeply $proof->{chains}, { seals => [], audit => [] }, 'and are whole';
$t->sql('alter table audit_log disable trigger user');
$t->sql(q{update audit_log set detail = '{"credits": "7"}' where id = 3});
$proof = $t->verified;
is_deeply [$proof->{ok} ? 1 : 0, map { $_->{no} } @{ $proof->{chains}{audit} }], [0, 3],
    'somebody who changed what was done is found';

is +($t->api('GET', '/api/ledger/verify?account=none000000'))[0], 404,
    'an unknown account is not found';

$t->redis_stop;
my ($status, $problem) = $t->api('GET', '/api/ledger/verify');
is "$status $problem->{code}", '503 store_unreachable',
    'without Redis there is no proof';

done_testing;
