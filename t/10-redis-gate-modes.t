# gate.lua charges by mode of the plan: credits, quota, or one after the other.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Tollgate;
use Tollgate::Gate;

my $t = Tollgate->new;
$t->redis;

my @units = (day => 10, month => 20);
$t->plan('hybrid', tier => 2, mode => 'hybrid', @units);
$t->plan('subscription', tier => 1, mode => 'subscription', @units);
$t->plan('metered', mode => 'payg', @units);
$t->plan('unlimited', mode => 'subscription');
$t->plan('monthly', mode => 'hybrid', month => 3);

# plan, avail, day_used, cost, units => verdict, credits, units, avail left,
# day left, month left
my @rows = (
    ['payg', 100, 0, 30, 0, 'pass', 30, 0, 70, -1, -1],
    ['payg', 30, 0, 30, 5, 'pass', 30, 0, 0, -1, -1],
    ['payg', 29, 0, 30, 0, 'credits_exhausted', 0, 0, 29, -1, -1],
    ['payg', 0, 0, 0, 0, 'pass', 0, 0, 0, -1, -1],
    ['metered', 30, 0, 30, 99, 'pass', 30, 0, 0, -1, -1],
    ['subscription', 100, 0, 30, 4, 'pass', 0, 4, 100, 6, 16],
    ['subscription', 0, 6, 30, 4, 'pass', 0, 4, 0, 0, 10],
    ['subscription', 100, 7, 30, 4, 'quota_exceeded', 0, 0, 100, 3, 13],
    ['subscription', 100, 10, 30, 0, 'pass', 0, 0, 100, 0, 10],
    ['subscription', 100, 15, 30, 0, 'pass', 0, 0, 100, 0, 5],
    ['unlimited', 100, 900, 30, 4, 'pass', 0, 4, 100, -1, -1],
    ['hybrid', 100, 0, 30, 4, 'pass', 0, 4, 100, 6, 16],
    ['hybrid', 100, 6, 30, 4, 'pass', 0, 4, 100, 0, 10],
    ['hybrid', 100, 7, 30, 4, 'pass', 30, 0, 70, 3, 13],
    ['hybrid', 29, 7, 30, 4, 'credits_exhausted', 0, 0, 29, 3, 13],
    ['hybrid', 30, 7, 30, 0, 'pass', 30, 0, 0, 3, 13],
    ['hybrid', 29, 0, 30, 0, 'credits_exhausted', 0, 0, 29, 10, 20],
    ['hybrid', 0, 10, 0, 0, 'pass', 0, 0, 0, 0, 10],
    ['monthly', 9, 2, 5, 1, 'pass', 0, 1, 9, -1, 0],
    ['monthly', 9, 2, 5, 2, 'pass', 5, 0, 4, -1, 1],
);

my $day = time - time % 86400;
my $month = $day - 86400 * ((gmtime $day)[3] - 1);
my $n = 0;
for my $row (@rows) {
    my ($plan, $avail, $used, $cost, $units, @expected) = @$row;
    my $account = sprintf 'Modes%05d', ++$n;

    $t->wallet($account, plan => $plan, avail => $avail, day => $day,
               day_used => $used, month => $month, month_used => $used);
    my $answer = gate($t, $account, { key => $t->key($account),
                                      cost => $cost, units => $units });
    is join(' ', @{$answer}{qw(verdict credits units avail day_left
                               month_left)}),
        join(' ', @expected),
        "$plan with $avail credits and $used units used:"
        . " a request of $cost or $units is answered $expected[0]";

    my ($event) = events($t, $account);
    my (undef, undef, undef, undef, undef, @charged) =
        split / /, $event ? $event->{i} : '';
    is $event ? "$event->{d} $event->{v} @charged" : 'none',
        $expected[1] || $expected[2]
            ? ($expected[1] ? -$expected[1] : 0)
              . " $expected[3] $expected[1] $expected[2]" : 'none',
        'the register tells the same';
}

# What else the answer tells.
$t->wallet('Modes09999', plan => 'hybrid', epoch => 7, seq => 41, held => 5);
my $key = $t->key('Modes09999');
my $answer = gate($t, 'Modes09999', { key => $key, units => 1, tier => 2,
    feature => 'video.generate', model => 'video-generator:veo-3',
    id => 'a' x 32 });
is join(' ', @{$answer}{qw(epoch app plan tier mode day month)}),
    '7 app_0000000001 hybrid 2 hybrid 10 20', 'the plan is told';
like $answer->{key}, qr/^key_\d{10}$/, 'the key is told by its id';

my ($event) = events($t, 'Modes09999');
like delete $event->{t}, qr/^\d{16}$/, 'an event tells its time in us';
is_deeply $event, { a => 'Modes09999', e => 7, s => 42, k => 'charge', d => 0,
    v => 0, h => 5, n => 0, i => 'a' x 32
    . " $answer->{key} app_0000000001 video.generate video-generator:veo-3 0 1"
}, 'an event carries the register and what was used';

# Amounts near 2^53 keep every digit.
my $huge = 9_007_199_254_740_991;
$t->wallet('Modes08888', avail => $huge, seq => $huge - 1);
$key = $t->key('Modes08888');
is gate($t, 'Modes08888', { key => $key, cost => 1 })->{avail}, $huge - 1,
    'one micro-credit off the largest balance is exact';
is $t->r('HGET', Tollgate::wallet_key('Modes08888'), 'avail'),
    $huge - 1, 'and stored in digits';
is((events($t, 'Modes08888'))[0]{v}, $huge - 1,
   'and in the register');
is ref $t->r_try('EVAL', $t->slurp("$t->{root}/redis/gate.lua"), 2,
    Tollgate::wallet_key('Modes08888'), Tollgate::ledger_key('Modes08888'),
    'Modes08888', 'tg:{' . Tollgate::shard('Modes08888') . '}:plan:', 0, 1,
    'r', key_hash($key), '-', '-', 0, 1, 0, 0), 'SCALAR',
    'a register at its end charges no more';
is $t->r('HGET', Tollgate::wallet_key('Modes08888'), 'avail'),
    $huge - 1, 'and keeps the balance';

done_testing;
