#!/usr/bin/perl
# A look: every figure of an account as it is, and not a byte changed.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Tollgate;
use Tollgate::Gate;

my $t = Tollgate->new;
$t->redis;
$t->plan('payg');
$t->plan('rated', mode => 'hybrid', tier => 2, day => 10, month => 20,
         key_rate => 60_000_000, key_burst => 3,
         app_rate => 60_000_000, app_burst => 4);

my $account = 'LookAcct01';
$t->wallet($account, plan => 'rated', avail => 7_500_000, held => 2_000_000);
my $key = $t->key($account);

sub look { return scalar gate($t, $account, { key => $key, look => 1, @_ }) }

my $before = snapshot($t, $account);
my $seen = look();
is_deeply [@$seen{qw(verdict plan tier mode avail)}],
    ['pass', 'rated', 2, 'hybrid', 7_500_000], 'an account as it is';
is $seen->{credits}, 2_000_000, 'what is held stands for what is charged';
is_deeply [@$seen{qw(units retry_ms)}], [0, 0], 'nothing was used yet';
is_deeply [@$seen{qw(key_burst key_left key_full_ms app_burst app_left)}],
    [3, 3, 0, 4, 4], 'and the rates are full';
look() for 1 .. 9;
is_deeply [@{ look() }{qw(verdict key_left app_left)}], ['pass', 3, 4],
    'ten looks have taken nothing of them';
is snapshot($t, $account), $before, 'nor changed a byte';

gate($t, $account, { key => $key, units => 4 }) for 1 .. 2;
gate($t, $account, { key => $key, units => 3, cost => 1_500_000 });
is gate($t, $account, { key => $key })->{verdict}, 'rate_limited',
    'a rate that is used up refuses';
$before = snapshot($t, $account);
$seen = look();
is_deeply [@$seen{qw(verdict key_left app_left)}], ['pass', 0, 1],
    'but no look, which sees it';
is_deeply [@$seen{qw(units retry_ms day_left month_left avail)}],
    [8, 8, 2, 12, 6_000_000], 'with the units of day and month';
ok $seen->{key_full_ms} > 170_000 && $seen->{key_full_ms} <= 180_000,
    'and when the rate is full again';
is snapshot($t, $account), $before, 'and no byte is changed';

# Beside requests that are decided in the same call.
$t->r('HDEL', Tollgate::wallet_key($account), 't:app_0000000001',
      't:' . $seen->{key});
my @seen = gate($t, $account, { key => $key, look => 1 },
                { key => $key, units => 1 }, { key => $key, look => 1 });
is_deeply [map { $_->{day_left} } @seen], [2, 1, 1],
    'a look sees what was decided before it';
is scalar(@{ $t->r('XRANGE', Tollgate::ledger_key($account), '-', '+') }), 4,
    'and is in no event';

# What refuses a request refuses a look, but for tier, rates, quota and credits.
$t->wallet('LookAcct02', avail => 0);
my $poor = $t->key('LookAcct02');
is gate($t, 'LookAcct02', { key => $poor, look => 1 })->{verdict}, 'pass',
    'without credits there is a look';
$t->r('HSET', Tollgate::wallet_key('LookAcct02'), 'state', 'suspended');
my $refused = gate($t, 'LookAcct02', { key => $poor, look => 1 });
is_deeply [@$refused{qw(verdict credits units retry_ms)}],
    ['account_suspended', 0, 0, 0], 'not into an account that is suspended';
is gate($t, 'LookAcct02', { key => Tollgate::make_key('LookAcct02', 'x' x 32),
                            look => 1 })->{verdict}, 'key_unknown',
    'nor with a key that is unknown';

done_testing;
