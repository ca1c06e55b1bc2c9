# gate.lua limits the rate of a key and of an app: bursts, pace, and odd clocks.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Tollgate;
use Tollgate::Gate;

my $t = Tollgate->new;
$t->redis;

my ($interval, $burst) = (10_000_000, 4);
$t->plan('rated', key_rate => $interval, key_burst => $burst);
$t->plan('app', app_rate => $interval, app_burst => 1);
$t->plan('tiny', key_rate => 7, key_burst => 3);

my $n = 0;

# An account of a plan whose key has this arrival time, relative to now.
sub account {
    my ($plan, $tat_us, $field) = @_;

    my $account = sprintf 'Rate%06d', ++$n;
    $t->wallet($account, plan => $plan);
    my $key = $t->key($account, id => 'key_0000000009');
    my $time = $t->r('TIME');
    $t->r('HSET', Tollgate::wallet_key($account),
          $field // 't:key_0000000009',
          sprintf '%d', $time->[0] * 1e6 + $time->[1] + $tat_us)
        if defined $tat_us;

    return ($account, { key => $key });
}

sub tat {
    my ($account, $field) = @_;

    return $t->r('HGET', Tollgate::wallet_key($account),
                 $field // 't:key_0000000009');
}

my ($account, $request) = account('rated');
my @answers = map { scalar gate($t, $account, $request) } 1 .. 5;
is verdicts(@answers), 'pass pass pass pass rate_limited',
    'a burst passes at once and no more';
is join(' ', map { $_->{key_left} } @answers), '3 2 1 0 0',
    'what remains is counted down';
is $answers[0]{key_burst}, 4, 'the burst is told';
is $answers[0]{key_full_ms}, 10_000, 'one request is back after one interval';
is $answers[0]{app_burst}, 0, 'a rate without a limit has no burst';
ok $answers[4]{retry_ms} > 9_000 && $answers[4]{retry_ms} <= 10_000,
    'a refusal tells when one more fits';
my $left = tat($account) - $answers[4]{now};
is $answers[4]{key_full_ms}, int(($left + 999) / 1000),
    'and when all of the burst is back, rounded up';
is $answers[4]{retry_ms},
    int(($left + $interval - $burst * $interval + 999) / 1000),
    'both to the millisecond that follows';

my $before = tat($account);
gate($t, $account, $request) for 1 .. 3;
is tat($account), $before, 'refused requests do not push the time on';

# The decision at either side of its border: tat + T - now <= B * T.
for my $row ([-1e12, 'pass', 3], [-1, 'pass', 3], [9_000_000, 'pass', 2],
             [29_000_000, 'pass', 0], [31_000_000, 'rate_limited', 0],
             [11_000_000, 'pass', 1]) {
    my ($tat_us, $verdict, $remaining) = @$row;

    ($account, $request) = account('rated', $tat_us);
    my $answer = gate($t, $account, $request);
    is "$answer->{verdict} $answer->{key_left}", "$verdict $remaining",
        "an arrival time $tat_us us from now: $verdict";
}

# An arrival time of the past counts as now.
($account, $request) = account('rated', -1e12);
my $answer = gate($t, $account, $request);
is tat($account), $answer->{now} + $interval,
    'idle time saves no more than the burst';

# A clock that stepped back leaves an arrival time too far ahead.
($account, $request) = account('rated', 86_400_000_000);
$answer = gate($t, $account, $request);
is "$answer->{verdict} $answer->{retry_ms} $answer->{key_full_ms}",
    'rate_limited 10000 40000', 'it waits no longer than for a used-up burst';
for my $junk ('', 'x', 'nan', '1e300', '-5') {
    ($account, $request) = account('rated');
    $t->r('HSET', Tollgate::wallet_key($account), 't:key_0000000009', $junk);
    like gate($t, $account, $request)->{verdict}, qr/^(?:pass|rate_limited)$/,
        "an arrival time of \"$junk\" is survived";
    like tat($account), $junk eq '1e300' ? qr/^1e300$/ : qr/^\d{16}$/,
        'and replaced by the next request that passes';
}

# Both rates have to agree before either is written.
($account, $request) = account('app', 9_000_000, 't:app_0000000001');
$before = snapshot($t, $account);
$answer = gate($t, $account, $request);
is "$answer->{verdict} $answer->{limit}", 'rate_limited app_rate',
    'the app is limited whatever the key';
is snapshot($t, $account), $before, 'a refusal by the app leaves the key alone';
is $answer->{retry_ms},
    int((tat($account, 't:app_0000000001') - $answer->{now} + 999) / 1000),
    'and tells to the millisecond that follows when one more fits';

# Intervals that don't divide anything.
($account, $request) = account('tiny');
$answer = gate($t, $account, $request);
is "$answer->{key_left} $answer->{key_full_ms}", '2 1',
    'part of a millisecond counts as one';

# Half a second at 20 a second and a burst of 5.
$t->plan('paced', key_rate => 50_000, key_burst => 5);
($account, $request) = account('paced');
my ($first, $last, $passed) = (undef, 0, 0);
do {
    $answer = gate($t, $account, $request);
    $first //= $answer->{now};
    ($last, $passed) = ($answer->{now}, $passed + 1)
        if $answer->{verdict} eq 'pass';
} until $answer->{now} - $first > 500_000;
cmp_ok $passed, '<=', 5 + int(($last - $first) / 50_000),
    'no more pass than the burst and one an interval';
cmp_ok $passed, '>', 5, 'and some do after the burst';

done_testing;
