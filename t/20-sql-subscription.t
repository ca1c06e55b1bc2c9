#!/usr/bin/perl
# Subscriptions under a frozen clock: periods at the ends of months, expiry back to
# payg, outages.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Tollgate;
use Tollgate::Books;

my $b = Tollgate::Books->begin;

sub freeze { $b->sql('select lib.clock_freeze($1)', $_[0]); return }

$b->call('plan_put', { plan => 'monthly', name => 'Monthly' });
$b->call('plan_put', { plan => 'yearly', name => 'Yearly', interval => 'year' });

# Ends of the periods that follow, each renewed on the last second before the next.
sub ends {
    my ($plan, $anchor, $count) = @_;

    freeze($anchor);
    my $account = $b->account(0);
    my @ends = substr $b->call('account_set_plan',
        { account => $account, plan => $plan })->{period_end}, 0, 10;
    for (2 .. $count) {
        freeze("$ends[-1] 00:00Z");
        $b->sql('select job.subscriptions_renew(lib.now())');
        my $now = $b->call('account_get', { account => $account });
        is substr($now->{period_start}, 0, 10), $ends[-1], 'periods tile'
            if @ends == $count - 1;
        push @ends, substr $now->{period_end}, 0, 10;
    }

    return "@ends";
}

is ends('monthly', '2027-01-31 00:00Z', 5),
    '2027-02-28 2027-03-31 2027-04-30 2027-05-31 2027-06-30',
    'months from the 31st end on the last day of each';
is ends('yearly', '2028-02-29 00:00Z', 4),
    '2029-02-28 2030-02-28 2031-02-28 2032-02-29',
    'years from a leap day come back to it';

freeze('2027-01-31 00:00Z');
my $leaving = $b->account(0);
$b->call('account_set_plan', { account => $leaving, plan => 'monthly',
                               auto_renew => JSON::PP::false });
my $staying = $b->account(0);
$b->call('account_set_plan', { account => $staying, plan => 'monthly' });
freeze('2027-02-27 23:59:59Z');
$b->sql('select job.subscriptions_renew(lib.now())');
is $b->call('account_get', { account => $leaving })->{plan}, 'monthly',
    'a subscription lasts to the end of its period';
freeze('2027-04-15 00:00Z');
$b->sql('select job.subscriptions_renew(lib.now())');
is $b->call('account_get', { account => $leaving })->{plan}, 'payg',
    'one that does not renew goes back to payg';
is $b->sql(q{select set_fields ->> 'plan' from command where account = $1
    order by no desc limit 1}, $leaving), 'payg', 'at the edge too';
my $renewed = $b->call('account_get', { account => $staying });
is substr($renewed->{period_start}, 0, 10) . ' ' . substr($renewed->{period_end}, 0, 10),
    '2027-03-31 2027-04-30', 'an outage over two renewals leads to the current period';
my $commands = $b->sql('select count(*) from command');
$b->sql('select job.subscriptions_renew(lib.now())');
is $b->sql('select count(*) from command'), $commands, 'a second run does nothing';

freeze('2027-06-01 00:00Z');
$b->call('account_set_plan', { account => $staying, plan => 'monthly' });
is $b->call('account_get', { account => $staying })->{period_start},
    '2027-03-31T00:00:00Z', 'the plan that one has stays as it is';
my $moved = $b->call('account_set_plan', { account => $staying, plan => 'yearly' });
is "$moved->{plan} $moved->{period_start} $moved->{period_end}",
    'yearly 2027-06-01T00:00:00Z 2028-06-01T00:00:00Z', 'another begins at once';
$moved = $b->call('account_set_plan', { account => $staying, plan => 'payg' });
is $moved->{plan} . ' ' . ($moved->{period_end} // 'no end'), 'payg no end',
    'and payg ends it';
is $b->sql('select count(*) from user_subscriptions where user_id = $1
            and status = \'active\'', $staying), 0, 'as user_subscriptions shows';
is $b->call_error('account_set_plan', { account => $staying, plan => 'none' }),
    'PT404 plan_not_found', 'an unknown plan is refused';

done_testing;
