#!/usr/bin/perl
# Metrics that Postgres knows: what was settled, what waits, what does not add up.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use JSON::PP;
use Tollgate;
use Tollgate::Books;

my $b = Tollgate::Books->begin;

# The value of one sample: a metric, and what its label says.
sub value {
    my ($name, $of) = @_;

    my $text = $b->sql(q{select api.metrics('{}')});
    my $metrics = JSON::PP::decode_json($text);
    my @found = grep { ($_->{of} // '') eq ($of // '') } @{ $metrics->{$name} };

    return @found == 1 ? $found[0]{value} : undef;
}

sub settled {
    return join ' ', map { value("tollgate_$_[0]_settled_total", $_) } qw(taken refused);
}

is settled('ledger'), '0 0', 'nothing is settled at first, and says so';
my $account = $b->account(100);
my $other = $b->account(100);
is settled('ledger'), '2 0', 'each event that is posted is counted';
$b->settle([charge => $account, 2, 10], [charge => $account, 3, 20]);
$b->settle([charge => $account, 2, 10], [charge => $account, 3, 20]);
is settled('ledger'), '4 0', 'one that comes again is not';
is value('tollgate_accounts_frozen'), 0, 'no account is frozen';
$b->settle([charge => $account, 6, 10], [charge => $other, 2, 10]);
is settled('ledger'), '5 1', 'one at fault is refused, the others are taken';
is value('tollgate_accounts_frozen'), 1, 'its account is frozen';
is value('tollgate_alerts_open'), 1, 'with an alert';
cmp_ok value('tollgate_mirror_pending_commands'), '>', 0,
    'and a command on its way';
$b->sql(q{update command set created_at = created_at - interval '90 seconds'});
cmp_ok value('tollgate_mirror_oldest_pending_seconds'), '>=', 90,
    'whose age is told';
$b->applied($_) for $account, $other;
is value('tollgate_mirror_pending_commands'), 0, 'until it is applied';
is value('tollgate_mirror_oldest_pending_seconds'), 0, 'then nothing waits';

$b->sql(q{begin; select ledger.settle_begin();
    insert into settle_usage (at_ms, request_id, verdict, status, credits,
        units, refunded, latency_ms, bytes_in, bytes_out, dry_run)
    select 1000, n::text, 'pass', 200, 0, 0, 0, 1, 1, 1, 0
    from generate_series(1, 3) n;
    select ledger.settle_usage('tg:{usage}:h', '0-0', '1-0', 2); commit});
is settled('usage'), '3 2', 'usage records are counted apart';
is settled('ledger'), '5 1', 'from events';

# jobs
my $job = 'snapshots.daily';
is value('tollgate_job_failures_total', $job), 0, 'no job has failed';
is value('tollgate_job_last_success_timestamp_seconds', $job), undef,
    'nor run';
$b->sql('select lib.clock_freeze($1)', '2027-01-31 12:00Z');
$b->sql(q{select job.failed($1, lib.now(), 'x'), job.failed($1, lib.now(), 'x')}, $job);
is value('tollgate_job_failures_total', $job), 2, 'each failure is counted';
is value('tollgate_job_last_success_timestamp_seconds', $job), undef,
    'and is no success';
$b->sql(q{select job.done($1, lib.now(), '{}')}, $job);
is value('tollgate_job_last_success_timestamp_seconds', $job), 1801396800,
    'a success tells its time';
is value('tollgate_job_failures_total', $job), 2, 'and forgets no failure';

# the ledger added up
sub check {
    return $b->sql(q{select job.done('ledger.check', lib.now(), job.ledger_check(lib.now()))});
}

is value('tollgate_ledger_imbalance'), undef,
    'the imbalance is not known before the first check';
check();
is value('tollgate_ledger_imbalance'), 0, 'a sound ledger is in balance';
my $alerts = value('tollgate_alerts_open');
$b->sql('update credit_grant set remaining = remaining - 1 where account = $1', $other);
is value('tollgate_ledger_imbalance'), 0, 'which goes for the last check';
check() for 1 .. 2;
is value('tollgate_ledger_imbalance'), 1, 'a wallet that lost a grant is found';
is value('tollgate_alerts_open'), $alerts + 1, 'with one alert, however often';
$b->sql('update credit_grant set remaining = remaining + 1 where account = $1', $other);
check();
is value('tollgate_ledger_imbalance'), 0, 'and gone when it is put right';

# wallets that are made again
sub wallets {
    my ($check) = grep { $_->{name} eq 'wallets' }
        @{ JSON::PP::decode_json(scalar $b->sql(q{select api.doctor('{}')}))->{checks} };

    return join ' ', map({ value("tollgate_recoveries_$_") } qw(open oldest_open_seconds total)),
        $check->{ok} ? 'ok' : 'late', $check->{detail};
}

is wallets(), '0 0 0 ok 0 are to be made again, 0 were', 'no wallet is to be made again';
$b->sql(q{insert into recovery (account, shard, reason, at)
          select a.id, a.shard, 'wallet_missing', lib.now() - interval '290 seconds' from account a where a.id in ($1, $2)},
        $account, $other);
is wallets(), '2 290 0 ok 2 are to be made again, 0 were', 'those that were lost are told, and since when';
$b->sql('update recovery set done_at = lib.now() where account = $1', $other);
is wallets(), '1 290 1 ok 1 are to be made again, 1 were', 'and those that were made again';
$b->sql('select lib.clock_freeze($1)', '2027-01-31 12:00:11Z');
is wallets(), '1 301 1 late 1 are to be made again, 1 were', 'one that waits for too long is a finding';

done_testing;
