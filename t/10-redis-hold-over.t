# Holds that run out, and responses that cost more than was held for them.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Tollgate;
use Tollgate::Gate;
use Tollgate::Hold;

my $t = Tollgate->new;
$t->redis;

my $account = 'Hold000003';
my $wallet = Tollgate::wallet_key($account);
my $key;

sub fresh {
    my (%fields) = @_;

    $t->r('DEL', $wallet, Tollgate::ledger_key($account), holds_key($account));
    $t->wallet($account, avail => 100, %fields);
    $key = $t->key($account);

    return;
}

sub fields { return wallet_fields($t, $account, @_) }

sub kinds {
    return join ' ', map { "$_->{k}:" . (split / /, $_->{i})[5] }
        grep { $_->{k} ne 'hold' } events($t, $account);
}

# Expiry, and the commit after it.
fresh();
hold($t, $account, $key, "x$_", 10, ttl_ms => 0) for 1 .. 5;
hold($t, $account, $key, 'x6', 10);
is expire($t, $account, 2), '2 2', 'holds run out, so many at a time';
is expire($t, $account), '3 3', 'and then the rest';
is expire($t, $account), '0 0', 'but not those that still last';
is fields(qw(avail held)), '90 10', 'what was held is back';
is kinds(), join(' ', ('expired:10') x 5), 'which the register tells';
cmp_ok $t->r('TTL', marker_key($account, 'x1')), '>', 86_000,
    'a day long it is known that a hold ran out';

is commit($t, $account, 'x1', '-'), 0, 'one that ran out is not released';
is commit($t, $account, 'x1', 30), 1, 'what it cost is charged late';
is commit($t, $account, 'x1', 30), 0, 'once';
is fields(qw(avail held owed)), '60 10 -', 'of what is there';
is commit($t, $account, 'x2', 75, 'reject_next'), 1, 'be it too little';
is fields(qw(avail held owed)), '0 10 -', 'then the rest is not owed';
is kinds(), join(' ', ('expired:10') x 5, 'late:30', 'late:60', 'waived:15'),
    'but told';
is void_hold($t, $account, 'x3'), 1, 'an answer that was lost, after expiry';
is fields(qw(avail held)), '0 10', 'brings back nothing';

# A set that tells wrong, and wallets that can't be read.
fresh();
hold($t, $account, $key, 'y1', 10);
$t->r('ZADD', holds_key($account), 1, "$account y1", 2, "$account gone",
      3, 'Nobody0001 y1', 4, 'junk');
is expire($t, $account), '4 0', 'what is wrong in the set ends nothing';
is $t->r('ZCARD', holds_key($account)), 1, 'and is put right';
cmp_ok $t->r('ZSCORE', holds_key($account), "$account y1"), '>', 1e12,
    'by the record';
hold($t, $account, $key, 'y2', 10, ttl_ms => 0);
$t->r('HSET', $wallet, held => 'x');
my $before = snapshot($t, $account);
is expire($t, $account), '1 0', 'a wallet that is no wallet is left alone';
is commit($t, $account, 'y2', 1), -1, 'by a commit too';
is extend($t, $account, 'y2', 1), -1, 'and an extension';
is snapshot($t, $account), $before, 'as it is';
is expire($t, $account), '0 0', 'for a minute';
$t->r('HSET', $wallet, held => 5);
$t->r('ZADD', holds_key($account), 1, "$account y2");
is expire($t, $account), '1 0', 'more than is held does not return';
is commit($t, $account, 'y2', 1), -1, 'nor is it committed';
$t->r('HSET', $wallet, held => 20, 'h:y2', 'nonsense');
is commit($t, $account, 'y2', 1), -1, 'nor is a record that can\'t be read';

# More than was held, by policy: actual, overage, fields of the wallet, then
# avail, owed and what the register tells.
for my $case (
    [40, 'reject_next', {}, 10, '-', 'commit:40'],
    [50, 'reject_next', {}, 0, '-', 'commit:50'],
    [80, 'reject_next', {}, 0, 30, 'commit:50 owed:30'],
    [80, 'if_available', {}, 0, '-', 'commit:50 waived:30'],
    [80, 'overdraft', {}, 0, '-', 'commit:50 waived:30'],
    [80, 'overdraft', { overdraft => 100 }, 0, 30, 'commit:50 owed:30'],
    [80, 'overdraft', { overdraft => 25 }, 0, 25,
     'commit:50 owed:25 waived:5'],
    [80, 'overdraft', { overdraft => 25, owed => 20 }, 0, 25,
     'commit:50 owed:5 waived:25'],
    [80, 'overdraft', { overdraft => 5, owed => 20 }, 0, 20,
     'commit:50 waived:30'],
    [80, 'reject_next', { overdraft => 25, owed => 20 }, 0, 50,
     'commit:50 owed:30'],
) {
    my ($actual, $overage, $has, $avail, $owed, $told) = @$case;

    fresh(avail => 50);
    hold($t, $account, $key, 'o', 10);
    $t->r('HSET', $wallet, %$has) if %$has;
    commit($t, $account, 'o', $actual, $overage);
    my $what = "$overage of $actual" . join '', map { " $_ $has->{$_}" }
        sort keys %$has;
    is fields(qw(avail held owed)), "$avail 0 $owed", "$what: the wallet";
    is kinds(), $told, "$what: the register";
}

# What is owed stops the next one, until it is paid or there is an overdraft.
fresh(owed => 30);
is hold($t, $account, $key, 'p', 1)->{verdict}, 'credits_exhausted',
    'one who owes gets nothing on credit';
is gate($t, $account, { key => $key, cost => 1 })->{verdict},
    'credits_exhausted', 'nor for credits';
is gate($t, $account, { key => $key })->{verdict}, 'pass',
    'what is free passes';
$t->r('HSET', $wallet, overdraft => 31);
is hold($t, $account, $key, 'p', 1)->{verdict}, 'pass',
    'within an overdraft it passes';
$t->r('HSET', $wallet, overdraft => 30);
is hold($t, $account, $key, 'q', 1)->{verdict}, 'credits_exhausted',
    'but not at its end';

my $no = 0;
sub apply {
    return $t->script('apply', [$wallet, Tollgate::ledger_key($account)],
                      [$account, ++$no, 0, @_]);
}
$t->plan('sub', mode => 'subscription', day => 5, month => 5);
is apply(3, take => 'big 1000', owed => 30, overdraft => 0, 0), 1,
    'a command that takes what is not there';
is fields('owed'), 30, 'pays nothing';
is apply(2, take => 'small 30', owed => 30, 0), 1, 'one that takes it';
is fields(qw(avail owed)), '69 0', 'pays what is owed';
is hold($t, $account, $key, 'q', 1)->{verdict}, 'pass', 'and all is well';
$t->r('HSET', $wallet, owed => 5);
is apply(1, owed => 30, 0), 1, 'what is forgiven';
is fields(qw(avail owed)), '68 0', 'is not owed, and nobody is owed to';
$t->r('HSET', $wallet, owed => 5);
is apply(1, plan => 'sub', 0), 1, 'a subscription';
is gate($t, $account, { key => $key, cost => 1, units => 1 })->{verdict},
    'pass', 'is another matter';

done_testing;
