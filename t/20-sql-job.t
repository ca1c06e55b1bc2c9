#!/usr/bin/perl
# Jobs under a frozen clock: due times, outages, failures; credits for the active.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Tollgate;
use Tollgate::Books;

my $b = Tollgate::Books->begin;

sub freeze { $b->sql('select lib.clock_freeze($1)', $_[0]); return }

sub due {
    return join ' ', map { $_ // '-' } map { @$_ } $b->sql(
        q{select name, to_char(due_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI')
          from job.due()});
}

sub done {
    $b->sql(q{select job.done(name, due_at, '{"n": 1}') from job.due()});
    return;
}

# --- due times ------------------------------------------------------------------

$b->sql(q{update job set due_at = '2027-06-01 00:05Z'});
$b->sql(q{update job set due_at = '2027-01-31 10:05Z' where name = 'snapshots.hourly'});
freeze('2027-01-31 10:00Z');
is due(), '', 'nothing is due before its time';
freeze('2027-01-31 10:05Z');
is due(), 'snapshots.hourly 2027-01-31 10:05', 'a job is due at its time';
done();
is due(), '', 'and no more when it is done';
freeze('2027-01-31 13:30Z');
my @seen;
while (my $due = due()) { push @seen, $due =~ /(\d\d:\d\d)/; done() }
is "@seen", '11:05 12:05 13:05', 'after an outage each missed time is run, in order';

$b->sql(q{update job set due_at = '2027-01-31 13:00Z' where name = 'voids.resolve'});
done();
is $b->sql(q{select due_at at time zone 'UTC' from job where name = 'voids.resolve'}),
    '2027-01-31 13:31:00', 'where one run makes up for all, there is one';

$b->sql(q{update job set due_at = '2027-01-31 13:00Z' where name = 'snapshots.daily'});
sub retry_after {
    $b->sql(q{select job.failed(name, due_at, 'broken') from job.due()});
    return scalar $b->sql(q{select extract(epoch from retry_at - lib.now())::int
                            from job where name = 'snapshots.daily'});
}

is retry_after(), 5, 'a job that failed waits five seconds';
is due(), '', 'and is not due in between';
freeze('2027-01-31 13:30:05Z');
is retry_after(), 10, 'then longer';
freeze('2027-01-31 13:31:00Z');
is due(), 'snapshots.daily 2027-01-31 13:00', 'and is due for the same time';
done();
is $b->sql(q{select string_agg(outcome, ' ' order by id) from job_run
    where job = 'snapshots.daily'}), 'failed failed done', 'all runs are recorded';

$b->call('job_run', { job => 'credits.daily' });
is due(), 'credits.daily 2027-01-31 13:31', 'a job can be asked for';
done();
is $b->sql(q{select due_at at time zone 'UTC' from job where name = 'credits.daily'}),
    '2027-06-01 00:05:00', 'which leaves its schedule alone';
is $b->call_error('job_run', { job => 'no.such' }), 'PT404 job_not_found',
    'one that does not exist can not';

# --- credits for the active --------------------------------------------------------

my ($leaving, $staying) = ($b->account(0), $b->account(0));
$b->sql(q{update setting set value = '10000000' where name = 'daily_credits'});
$b->sql(q{insert into usage_event (at, at_ms, host, request_id, account, verdict, status,
        credits, units, refunded, latency_ms, bytes_in, bytes_out, dry_run)
    select at, 0, 'h', 'r', account, verdict, 200, 0, 0, false, 1, 1, 1, dry
    from (values ($1, '2027-05-01 00:00Z'::timestamptz, 'pass', false),
                 ($1, '2027-05-01 23:59:59.999Z', 'pass', false),
                 ($2, '2027-05-01 12:00Z', 'credits_exhausted', false),
                 ($2, '2027-05-01 12:00Z', 'pass', true),
                 ($2, '2027-05-02 00:00Z', 'pass', false)) e (account, at, verdict, dry)},
    $leaving, $staying);
freeze('2027-05-02 00:05Z');
$b->sql('select job.credits_daily(lib.now())') for 1, 2;
is $b->balance($leaving), 10, 'an account that was active gets its credits once';
is $b->balance($staying), 0,
    'one that was refused, only tried or came a day later does not';
freeze('2027-05-03 00:05Z');
$b->sql('select job.credits_daily(lib.now())');
is $b->balance($staying) . ' ' . $b->balance($leaving), '10 10', 'until its day is over';
is $b->sql(q{select string_agg(issue_key, ' ' order by id) from credit_grant
    where account = $1}, $staying), "daily:$staying:2027-05-02",
    'the day is the key of the grant';

done_testing;
