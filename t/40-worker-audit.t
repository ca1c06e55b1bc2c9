#!/usr/bin/perl
# The audit log of a worker that runs: who jobs and roles are in it, the daily root,
# and the tool that finds what was changed.

use strict;
use warnings;

use lib 't/lib';
use Cli;
use Test::More;
use Tollgate::Story;

my $t = Tollgate::Story->new;
$t->redis;
$t->postgres;
$t->worker('jobs.idle_ms' => 20, 'worker.roles' => 'settle mirror jobs api');
$t->load_demo;
my $c = $t->customer(plan => 'basic', credits => '10');
my $cli = Cli->new($t, "$t->{dir}/admin.sock");
my $root = "host=$t->{dir}/pg dbname=tollgate user=postgres";
my $content = $t->must('PUT', '/api/content/film', { credits => '1' });

sub audit { return @{ $t->must('GET', "/api/audit?$_[0]")->{data} } }
sub run_job {
    my ($job) = @_;

    $t->must('POST', "/api/jobs/$job/run");
    return $t->wait_for(sub { $t->sql('select count(*) from job where name = $1 and requested_at is null', $job) }, "$job to run");
}

# --- jobs -----------------------------------------------------------------------

# What each job changes of what is not derived: made due here, it is in the audit log.
my %changes = (
    'content.sweep' => [sub {
        $t->must('POST', "/api/accounts/$c->{account}/entitlements", { content => 'film', until => '2999-01-01' });
        $t->sql(q{update entitlement set until = now() - interval '1 minute'});
    }, 'entitlement.end', { state => 'active' }, { state => 'ended' }],
    'credits.daily' => [sub {
        $t->sql(q{update setting set value = '1000000' where name = 'daily_credits'});
        $t->sql(q{insert into usage_event (at, at_ms, host, request_id, account, verdict, status, credits, units, refunded,
                latency_ms, bytes_in, bytes_out, dry_run)
            values (date_trunc('day', now() at time zone 'UTC') at time zone 'UTC' - interval '1 hour', 0, 'h', 'r', $1, 'pass', 200, 0, 0, false, 1, 1, 1, false)}, $c->{account});
    }, 'credits.daily', undef, { granted => 1, credits => '1' }],
    'losses.find' => [sub {
        $t->sql(q{insert into usage_event (at, at_ms, host, request_id, account, verdict, status, credits, units, refunded,
                latency_ms, bytes_in, bytes_out, dry_run)
            values (now() - interval '6 minutes', 0, 'h', 'gone', $1, 'pass', 200, 1000000, 0, false, 1, 1, 1, false)}, $c->{account});
        $t->sql(q{insert into recovery (account, shard, reason, at, done_at)
            select id, shard, 'rewound', now() - interval '5 minutes', now() - interval '5 minutes' from account where id = $1}, $c->{account});
    }, 'losses.find', undef, { requests => 1, credits => '1' }],
    'partitions.make' => [sub { $t->sql('drop table charge_' . $t->sql(q{select to_char(now() at time zone 'UTC' + interval '2 months', 'YYYY_MM')})) },
        'partitions.make', undef, undef],
    'prices.apply' => [sub {
        my @prices = { model => 'video-generator:veo-3', unit => 'request', credits => '7' };
        my %later = (prices => \@prices, effective => '2999-01-01T00:00:00Z');
        my $preview = $t->must('POST', '/api/prices/preview', \%later);
        $t->must('POST', '/api/prices', { %later, version => $preview->{version} });
        $t->psql($root, q{set session_replication_role = replica; update price_list set effective_at = now() - interval '1 minute';
            update model_price set effective_from = now() - interval '1 minute'});
    }, 'prices.apply', undef, undef],
    'subscriptions.renew' => [sub {
        $t->sql(q{update subscription set auto_renew = false, period_start = now() - interval '2 days', period_end = now() - interval '1 day'});
    }, 'subscription.end', { ended_at => undef, plan => 'basic' }, { plan => 'basic' }],
    'voids.resolve' => [sub {
        $t->sql(q{insert into void_request (request_id, account, at, seen_at) values ('lost', $1, now() - interval '1 hour', now() - interval '1 hour')}, $c->{account});
    }, 'voids.resolve', undef, { not_charged => 1, requests => ['lost'] }],
    'zones.refresh' => [sub { $t->sql(q{update account set edge = edge || '{"zone": "0"}'}) }, 'zones.refresh', undef, { accounts => 1 }],
);
# Those that only count, prove or draw figures from what is there.
my @derive = qw(audit.root ledger.check ledger.seal snapshots.daily snapshots.hourly);
is_deeply [sort @derive, keys %changes], [sort $t->slurp("$t->{root}/worker/jobs_table.h") =~ /^JOB\("([^"]+)"/mg],
    'of each job is known whether it changes something';

for my $job (sort keys %changes) {
    my ($prepare, $action, $before, $after) = @{ $changes{$job} };
    $prepare->();
    run_job($job);
    my ($row) = audit("action=$action&limit=1");
    is $row->{actor}, "job:$job", "what $job changes is in the audit log";
    ok ref $row->{after}, 'with what is after';
    for my $pair ([$before, $row->{before}], [$after, $row->{after}]) {
        my ($wanted, $have) = @$pair;
        is_deeply { map { $_ => $have->{$_} } keys %$wanted }, $wanted, "as @{[sort keys %$wanted]} tell" if $wanted;
    }
}

# --- the worker -----------------------------------------------------------------

$t->r('XADD', Tollgate::ledger_key($c->{account}), '*', 'a', $c->{account}, 'e', 1, 's', 99, 't', time * 1_000_000,
      'k', 'charge', 'd', -1, 'v', 0, 'h', 0, 'n', 0, 'i', 'r - - - - 1 0');
$t->wait_for(sub { audit("action=account.freeze") }, 'the account to freeze');
my ($freeze) = audit("object=$c->{account}&limit=1");
is "$freeze->{actor} $freeze->{action} $freeze->{before}{state} $freeze->{after}{state} $freeze->{after}{reason}",
    'worker:settle account.freeze active frozen register_broken', 'a role of the worker is told of by its name';

# --- roots ----------------------------------------------------------------------

my $rehash = q{do $$ declare a audit_log; begin for a in select * from audit_log order by id loop
    a.prev_hash := coalesce((select hash from audit_log where id = a.id - 1), '');
    update audit_log set prev_hash = a.prev_hash, hash = lib.audit_hash(a) where id = a.id; end loop; end $$};
my $rows = $t->sql('select count(*) from audit_log');
$t->psql($root, q{set session_replication_role = replica; update audit_log set at = at - interval '1 day', hash = 'x' || id;
    } . $rehash);
run_job('ledger.seal');
run_job('audit.root');
my ($made) = @{ $t->must('GET', '/api/audit/roots')->{data} };
is "$made->{rows} $made->{first} $made->{last}", "$rows 1 $rows", 'the root of yesterday has its rows';
is $made->{seal}, scalar $t->sql('select max(no) from ledger_seal where hash = $1', $made->{seal_hash}), 'and a seal of the ledger';
like $t->slurp('worker.log'), qr/job audit\.root .*"root": "$made->{root}"/, 'it leaves the database by the log';
is $cli->run(qw(audit roots --limit 1 -o name))->{out}, "$made->{root}\n", 'and by the tool';
my $verify = $cli->run(qw(audit verify --root), uc $made->{root});
is $verify->{status}, 0, 'all is as it was' or diag $verify->{out};
like $verify->{out}, qr/^\d+ rows of the audit log, 1 daily roots, \d+ seals of the ledger, 0 statements\nthe root given is that of \d{4}-.*\nnothing/, 'and the tool says what it looked at';
$verify = $cli->run(qw(audit verify --root), 'f' x 64);
is $verify->{status}, 6, 'a root of another log is none of them';
like $verify->{out}, qr/root f{64}  no day has it/, 'which is said';
unlike $cli->run(qw(audit verify))->{out} . $verify->{out}, qr/the root given is/, 'and without one that is kept none is named';
like $cli->run(qw(audit list --action), 'account.freeze')->{out}, qr/worker:settle +account\.freeze +$c->{account}\n\z/, 'the tool lists the log';

for my $case (
    ["update audit_log set detail = '{}' where id = 3", 'a row that was changed', 'audit row 3'],
    ["update audit_log set detail = '{}' where id = 3; $rehash", 'one of which all hashes were made anew', "root of $made->{day}"],
    ['delete from audit_log where id > 5', 'rows that are gone at the end', "root of $made->{day}"],
    ["update ledger_entry set amount = amount * 3 where txn = 1", 'an entry of the ledger', 'seal 1'],
    ["update audit_root set hash = repeat('0', 64)", 'a root', "root of $made->{day}"],
) {
    my ($tamper, $what, @told) = @$case;
    $t->psql($root, "create table kept_log as table audit_log; create table kept_entry as table ledger_entry; create table kept_root as table audit_root;
        set session_replication_role = replica; $tamper");
    $verify = $cli->run(qw(audit verify -o json));
    is $verify->{status}, 6, "$what is found";
    is_deeply [map { $_->{what} } @{ $verify->{json}{data} }], \@told, 'as it is named';
    $t->psql($root, "set session_replication_role = replica; delete from audit_log; insert into audit_log table kept_log; delete from ledger_entry;
        insert into ledger_entry table kept_entry; delete from audit_root; insert into audit_root table kept_root;
        drop table kept_log, kept_entry, kept_root");
}
is $cli->run(qw(audit verify))->{status}, 0, 'and nothing where it is put right';

done_testing;
