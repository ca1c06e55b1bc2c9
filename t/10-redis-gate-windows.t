# gate.lua rolls UTC days and calendar months when a request comes, never back.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Time::Local ();
use Tollgate;
use Tollgate::Gate;

my $t = Tollgate->new;
$t->redis;
$t->plan('sub', mode => 'subscription', day => 10, month => 100);
$t->plan('month', mode => 'subscription', month => 10);

sub month_start {
    my ($year, $month) = @_;

    ($year, $month) = ($year + 1, 1) if $month > 12;

    return Time::Local::timegm_modern(0, 0, 0, 1, $month - 1, $year);
}

my $now = time;
my (undef, undef, undef, undef, $month0, $year0) = gmtime $now;
my $day = $now - $now % 86400;
my $month = month_start($year0 + 1900, $month0 + 1);
my $month_end = month_start($year0 + 1900, $month0 + 2);
my $n = 0;

# The answer to one request of $units over these stored windows, and the
# windows that it left.
sub over {
    my ($plan, $units, @stored) = @_;

    my $account = sprintf 'Window%04d', ++$n;
    my %wallet = (plan => $plan);
    @wallet{qw(day day_used month month_used)} = @stored;
    $t->wallet($account, map { ($_, $wallet{$_}) }
               grep { defined $wallet{$_} } keys %wallet);
    my $answer = gate($t, $account, { key => $t->key($account),
                                      units => $units });
    my $left = $t->r('HMGET', Tollgate::wallet_key($account),
                     qw(day day_used month month_used));

    return ($answer, join ' ', map { $_ // '-' } @$left);
}

my ($answer, $left) = over('sub', 3);
is "$answer->{day_end} $answer->{month_end}",
    $day + 86400 . " $month_end", 'windows end at UTC midnight and month';
is $left, "$day 3 $month 3", 'the first units open both windows';

($answer, $left) = over('sub', 3, $day, 6, $month, 60);
is $left, "$day 9 $month 63", 'units add up within their windows';
is "$answer->{day_left} $answer->{month_left}", '1 37', 'what remains is told';

($answer, $left) = over('sub', 3, $day - 86400, 10, $month, 60);
is "$answer->{verdict} $left", "pass $day 3 $month 63",
    'a new day starts at no units used and the month goes on';

($answer, $left) = over('sub', 3, $day - 86400 * 400, 10,
                        month_start($year0 + 1899, $month0 + 1), 100);
is "$answer->{verdict} $left", "pass $day 3 $month 3",
    'the same month of another year is over';

($answer, $left) = over('sub', 0, $day - 86400, 10, $month, 60);
is $left, $day - 86400 . " 10 $month 60",
    'a request without units leaves old windows as they are';
is $answer->{day_left}, 10, 'and is answered by the new ones';

($answer, $left) = over('sub', 11, $day - 86400, 10, $month, 60);
is $left, $day - 86400 . " 10 $month 60", 'a refusal rolls nothing';

# Refusals tell when.
sub about {
    my ($ms, $end, $name) = @_;

    return ok abs($end * 1000 - time * 1000 - $ms) < 5000, $name;
}

($answer) = over('sub', 3, $day, 8, $month, 60);
is $answer->{limit}, 'day', 'a full day names the day';
about($answer->{retry_ms}, $day + 86400, 'and when it ends');
($answer) = over('sub', 3, $day, 8, $month, 98);
is $answer->{limit}, 'month', 'where both are full the later end counts';
about($answer->{retry_ms}, $month_end, 'which is that of the month');
($answer) = over('sub', 11, $day, 0, $month, 0);
is "$answer->{limit} $answer->{retry_ms}", 'day 0',
    'more units than the day has never fit';
($answer) = over('sub', 101, $day, 0, $month, 0);
is "$answer->{limit} $answer->{retry_ms}", 'month 0',
    'more units than the month has never fit';
($answer) = over('sub', 11, $day, 0, $month, 95);
is $answer->{retry_ms}, 0, 'a full month does not promise what the day forbids';

# A clock that stepped back: windows that start in the future stay.
($answer, $left) = over('sub', 3, $day + 86400, 6, $month, 60);
is $left, $day + 86400 . " 9 $month 63", 'a day of the future goes on';
is $answer->{day_end}, $day + 2 * 86400, 'until its own end';
($answer, $left) = over('sub', 3, $day + 86400, 8, $month, 60);
is $answer->{verdict}, 'quota_exceeded', 'and gives no quota back';

# The same shows the length of any month that is still to come.
for my $year ($year0 + 1901 .. $year0 + 1905, 2100, 2101, 2199, 2400, 3000) {
    my (@ends, @left);

    for my $m (1 .. 12) {
        my $start = month_start($year, $m);
        ($answer, $left) = over('month', 3, $day, 0, $start, 4);
        push @ends, ($answer->{month_end} - $start) / 86400;
        push @left, $answer->{month_left};
    }

    my $leap = $year % 4 == 0 && ($year % 100 != 0 || $year % 400 == 0);
    is "@ends", '31 ' . ($leap ? 29 : 28) . ' 31 30 31 30 31 31 30 31 30 31',
        "the months of $year have their lengths";
    is "@left", join(' ', (3) x 12), "the units used in them count in $year";
}

# Counters near 2^53 don't lose units.
($answer, $left) = over('month', 1, $day, 9_007_199_254_740_991, $month, 0);
is "$answer->{verdict} $answer->{limit}", 'quota_exceeded day',
    'a counter at its end is full, with a limit or without';

done_testing;
