#!/usr/bin/perl
# Jobs: what is due runs, what was missed is caught up in order, what fails waits.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Tollgate::Story;

my $t = Tollgate::Story->new;
$t->redis;
$t->postgres;
$t->worker('jobs.idle_ms' => 20);
$t->load_demo;

# The rows of job, as the API shows one.
sub job {
    my ($name) = @_;

    return (grep { $_->{name} eq $name }
            @{ $t->must('GET', '/api/jobs')->{data} })[0];
}

my %known = map { $_ => 1 }
    $t->slurp("$t->{root}/worker/jobs_table.h") =~ /^JOB\("([^"]+)"/mg;
my %rows = map { $_->{name} => 1 } @{ $t->must('GET', '/api/jobs')->{data} };
is_deeply \%rows, \%known, 'the program and the database know the same jobs';

$t->wait_for(sub {
    $t->sql('select count(*) from job where due_at <= now()') == 0;
}, 'nothing to be overdue');

# An outage of five hours.
$t->sql(q{delete from job_run where job = 'snapshots.hourly'});
$t->sql(q{update job set due_at = date_trunc('hour', now()) - interval '5 hours'
          where name = 'snapshots.hourly'});
$t->wait_for(sub {
    $t->sql(q{select count(*) from job where name = 'snapshots.hourly'
              and due_at > now()}) == 1;
}, 'the missed runs to be caught up');
my @runs = map { $_->[0] } $t->sql(q{select extract(epoch from due_at)::bigint
    from job_run where job = 'snapshots.hourly' order by 1});
cmp_ok scalar @runs, '>=', 5, 'each missed run is run';
is_deeply \@runs, [map { $runs[0] + 3600 * $_ } 0 .. $#runs],
    'with the time that it was due at, one period after the other';
is scalar $t->sql(q{select count(*) from job_run where job = 'snapshots.hourly'
    and outcome <> 'done'}), 0, 'and succeeds';

my $before = job('snapshots.daily')->{last_run_at} // '';
my ($status, $answer) = $t->api('POST', '/api/jobs/snapshots.daily/run');
is $status, 202, 'a job can be run at once';
$t->wait_for(sub { (job('snapshots.daily')->{last_run_at} // '') gt $before },
             'it to run');
is job('snapshots.daily')->{last_outcome}, 'done', 'and it does';
is +($t->api('POST', '/api/jobs/no.such/run'))[0], 404,
    'one that does not exist can not';

# A job that fails takes back what it did and nothing else.
$t->sql('create table trace (n int)');
$t->sql('grant insert on trace to tollgate_worker');
my $body = $t->slurp("$t->{root}/sql/functions/job/voids_resolve.sql");
$t->sql(q{create or replace function job.voids_resolve(due_at timestamptz)
    returns jsonb language plpgsql as 'begin insert into public.trace values (1);
    raise exception $$out of luck$$; end'});
$t->sql(q{update job set due_at = now() - interval '1 second'
          where name = 'voids.resolve'});
$t->wait_for(sub { job('voids.resolve')->{last_outcome} eq 'failed' },
             'a job to fail');
is scalar $t->sql('select count(*) from trace'), 0,
    'what a failed job wrote is gone';
like $t->slurp('worker.log'), qr/job voids\.resolve due at .* failed: out of luck/,
    'the log tells why';
is scalar $t->sql(q{select count(*) from job where name = 'voids.resolve'
    and retry_at > now()}), 1, 'and it waits before the next try';
$t->api('POST', '/api/jobs/snapshots.hourly/run');
$t->wait_for(sub { job('snapshots.hourly')->{last_outcome} eq 'done' },
             'other jobs to go on');

# A name that comes from data runs nothing.
$t->sql(q{insert into job select * from jsonb_populate_record(null::job,
    (select to_jsonb(j) from job j where name = 'voids.resolve')
    || jsonb_build_object('name', 'unheard.of', 'due_at', now()))});
$t->wait_for(sub { $t->slurp('worker.log') =~ /job unheard\.of .*no such job/ },
             'a job that the program lacks to be reported');
pass 'a job that the program lacks is an error in the log';

done_testing;
