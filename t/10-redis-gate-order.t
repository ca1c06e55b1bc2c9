# gate.lua refuses for the first reason in the order of decision.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Tollgate;
use Tollgate::Gate;

my $t = Tollgate->new;
$t->redis;

# Each step breaks one thing, last reason first, and keeps what is broken: the
# verdict of the earliest reason must win over all later ones.
my $account = 'Order00001';
my $wallet = Tollgate::wallet_key($account);
my $plan = 'tg:{' . Tollgate::shard($account) . '}:plan:strict';

$t->plan('strict', tier => 1, mode => 'hybrid', day => 1, month => 1);
$t->wallet($account, plan => 'strict', avail => 10);
my $key = $t->key($account);
my $record = 'k:' . key_hash($key);
my $key_id = (split ' ', $t->r('HGET', $wallet, $record))[0];
my $app = 'app_0000000001';
my %request = (key => $key, cost => 11, units => 2, tier => 1);
my $far = 9_000_000_000_000_000;

sub set { return $t->r('HSET', $wallet, @_) }

my @steps = (
    ['nothing', 'pass', sub { $request{cost} = 10 }],
    ['credits', 'credits_exhausted', sub { $request{cost} = 11 }],
    ['quota of a subscription', 'quota_exceeded',
     sub { $t->plan('strict', tier => 1, mode => 'subscription', day => 1,
                    month => 1) }],
    ['the rate of the app', 'rate_limited',
     sub { $t->r('HSET', $plan, app_rate => 60_000_000);
           set("t:$app", $far) }, 'app_rate'],
    ['the rate of the key', 'rate_limited',
     sub { $t->r('HSET', $plan, key_rate => 60_000_000);
           set("t:$key_id", $far) }, 'key_rate'],
    ['the tier', 'tier_required', sub { $request{tier} = 2 }],
    ['a copy of the plan that is missing', 'store_unreachable',
     sub { set(plan => 'lost') }],
    ['a suspended app', 'app_suspended', sub { set("a:$app", 'suspended') }],
    ['a suspended account', 'account_suspended',
     sub { set(state => 'suspended') }],
    ['a frozen account', 'account_frozen', sub { set(state => 'frozen') }],
    ['an expired key', 'key_expired',
     sub { set($record, "$key_id $app active 1000") }],
    ['a revoked key', 'key_revoked',
     sub { set($record, "$key_id $app revoked 1000") }],
    ['a key that is not in the wallet', 'key_unknown',
     sub { $t->r('HDEL', $wallet, $record) }],
    ['a wallet that is missing', 'key_unknown',
     sub { $t->r('DEL', $wallet) }],
    ['a shard that is not loaded', 'store_unreachable',
     sub { $t->r('DEL', $plan =~ s/strict/payg/r) }],
);

for my $step (@steps) {
    my ($name, $verdict, $break, $limit) = @$step;

    $break->();
    my $before = snapshot($t, $account);
    my $answer = gate($t, $account, { %request });
    is $answer->{verdict}, $verdict, "$name decides: $verdict";
    is $answer->{limit}, $limit, "the limit named is $limit" if $limit;
    next if $verdict eq 'pass';
    is snapshot($t, $account), $before, "$verdict for $name writes nothing";
    is "$answer->{credits} $answer->{units}", '0 0',
        "$verdict for $name charges nothing";
}

# A deadline comes before everything else.
my $late = gate_reply($t, $account, [{ %request }, { %request }],
                      deadline => 1);
is "$late->[2] $late->[14]", 'deadline_passed deadline_passed',
    'a call after its deadline is not decided';
ok abs($late->[0] / 1e6 - time) < 5, 'its reply still tells the time of Redis';

# Numbers that are none.
for my $field (qw(epoch seq avail held day day_used month month_used)) {
    for my $bad ('', 'x', '1.5', '-1', 'nan', 'inf', '9007199254740992') {
        $t->wallet($account, avail => 50, month => 0, month_used => 0,
                   day => 0, day_used => 0, $field => $bad);
        my $key = $t->key($account);
        my $before = snapshot($t, $account);
        my $verdict = gate($t, $account, { key => $key, cost => 1 })->{verdict};
        is $verdict . (snapshot($t, $account) eq $before ? '' : ' written'),
            'account_frozen', "a wallet whose $field is \"$bad\" is left alone";
    }
}

$t->wallet('Order00002', avail => 50, plan => 'strict');
$key = $t->key('Order00002');
for my $bad ('', 'x', '-1', '1e1', '0x1', '1.5', '9007199254740992') {
    my @answers = gate($t, 'Order00002', { key => $key, cost => $bad },
        { key => $key, units => $bad });
    is verdicts(@answers), 'cost_invalid cost_invalid',
        "cost and units of \"$bad\" are refused";
}

for my $bad (['mode', 'free'], ['tier', ''], ['day', 'x'], ['key_rate', '-1']) {
    $t->plan('broken', mode => 'hybrid', @$bad);
    $t->wallet('Order00002', avail => 50, plan => 'broken');
    is gate($t, 'Order00002', { key => $key })->{verdict}, 'store_unreachable',
        "a plan whose $bad->[0] is \"$bad->[1]\" decides nothing";
}

$t->r('HSET', Tollgate::wallet_key('Order00002'), 'k:' . key_hash($key),
      'junk');
my $answer = gate($t, 'Order00002', { key => $key, cost => 1 });
is $answer->{verdict}, 'key_unknown', 'an unreadable key record is no key';
is join(',', @{$answer}{qw(app key plan mode avail)}), ',,,,0',
    'an unknown key learns nothing about the account';

done_testing;
