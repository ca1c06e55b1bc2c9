# The day and the month of a plan follow the account's time zone, or its
# anniversaries, and what is given back finds them.

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
$t->plan('sub', mode => 'subscription', day => 10, month => 100, align => 'calendar');
$t->plan('born', mode => 'subscription', day => 10, month => 100, align => 'anniversary');
my $now = time;
my $n = 0;
my ($account, $wallet, $key);

# A new account with these fields.
sub account {
    my (%fields) = @_;

    $account = sprintf 'Zone%06d', ++$n;
    $wallet = Tollgate::wallet_key($account);
    $t->wallet($account, plan => 'sub', %fields);
    $key = $t->key($account);

    return;
}

sub ask { return scalar gate($t, $account, { key => $key, units => $_[0] // 1 }) }

sub windows { return join ' ', @{ $t->r('HMGET', $wallet, qw(day day_used month month_used)) } }

# Local midnight, and the first of the month and of the next, by an offset.
sub starts {
    my ($offset) = @_;

    my $local = $now + $offset;
    my (undef, undef, undef, undef, $month, $year) = gmtime $local;
    my $first = sub { Time::Local::timegm_modern(0, 0, 0, 1, $_[0] % 12,
                                                 $year + 1900 + int($_[0] / 12)) - $offset };

    return ($local - $local % 86400 - $offset, $first->($month), $first->($month + 1));
}

for my $offset (0, 7 * 3600, -5 * 3600, 20_700, -34_200, 14 * 3600, -11 * 3600) {
    my ($day, $month, $month_end) = starts($offset);
    account(zone => $offset);
    my $answer = ask(3);
    is windows(), "$day 3 $month 3", "$offset s from UTC a day and a month begin at midnight there";
    is "$answer->{day_end} $answer->{month_end}", $day + 86400 . " $month_end", 'and end there';
    is $t->script('refund', [$wallet, Tollgate::ledger_key($account), "$wallet:r"],
        [$account, 'r', 1, @$answer{qw(key app)}, '-', '-', @$answer{qw(credits units day_end month_end)}, '-']),
        1, 'units are given back';
    is windows(), "$day 0 $month 0", 'to both';
}

# A change of the clocks within the day.
my ($day, $month, $month_end) = starts(3600);
account(zone => join ' ', 3600, $day + 7200, 0);
my $answer = ask(4);
is "$answer->{day_end} $answer->{month_end}", $day + 90_000 . ' ' . ($month_end + 3600),
    'a day has 25 hours when clocks go back';
is $t->script('refund', [$wallet, Tollgate::ledger_key($account), "$wallet:r"],
    [$account, 'r', 1, @$answer{qw(key app)}, '-', '-', @$answer{qw(credits units day_end month_end)}, '-']), 1,
    'what is given back';
is windows(), "$day 0 $month 0", 'finds such a day';

# Another zone gives no quota anew: what began stays until another begins later.
($day, $month) = starts(13 * 3600);
my ($west) = starts(-10 * 3600);
account(zone => 13 * 3600);
ask(10);
$t->r('HSET', $wallet, 'zone', -10 * 3600);
$answer = ask(1);
is "$answer->{verdict} $answer->{limit}", 'quota_exceeded day', 'a zone further west goes on with the day';
cmp_ok $answer->{day_end}, '>', $now, 'which has an end';
is windows(), "$day 10 $month 10", 'and nothing is written';

# Anniversaries.
my $anchor = $now - 86400 * 40 - 5000;
account(plan => 'born', anchor => $anchor);
$answer = ask(3);
is windows() =~ s/ 3$//r, join(' ', $now - 5000, 3, $anchor + 86400 * (32 - (gmtime($anchor + (32 - (gmtime $anchor)[3]) * 86400))[3])),
    'a plan by anniversary begins days and months with the anchor'
    if (gmtime $anchor)[3] <= 28;
is $answer->{day_end}, $now - 5000 + 86400, 'and ends them a day later';
account(anchor => $anchor);
ask(3);
($day, $month) = starts(0);
is windows(), "$day 3 $month 3", 'a plan by calendar takes no heed of it';
account(plan => 'born');
ask(1);
is windows(), "$day 1 $month 1", 'without an anchor it is 1970';

# What can't be read.
account(zone => 'x', anchor => 'y', plan => 'born');
is ask()->{verdict}, 'pass', 'a zone that is none is UTC';
is windows(), "$day 1 $month 1", 'and an anchor that is none 1970';

done_testing;
