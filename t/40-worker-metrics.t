#!/usr/bin/perl
# The worker's metrics: clean for promtool, true, and there when a part is down.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Tollgate::Gate;
use Tollgate::Metrics;
use Tollgate::Story;

my $t = Tollgate::Story->new;
$t->redis;
$t->postgres;
$t->worker('settle.idle_ms' => 20, 'jobs.idle_ms' => 20,
           'postgres.timeout' => '2s');
$t->load_demo;
my $c = $t->customer(credits => 100);
$t->settled;

sub page {
    my (undef, undef, $r) = $t->api('GET', '/api/metrics');

    return $r;
}

sub samples { return Tollgate::Metrics::samples(page()->{body}) }

sub value { return samples()->{"tollgate_$_[0]"} }

# A process of the worker, by its name.
sub role {
    my ($name) = @_;

    my ($pid) = grep { $t->slurp("/proc/$_/comm") =~ /^$name$/ }
        $t->children('worker');

    return $pid;
}

$t->wait_for(sub { defined value('ledger_imbalance') },
             'the first check of the ledger');
my $r = page();
is $r->{status}, 200, 'the page is served';
is $r->{headers}{'content-type'}, 'text/plain; version=0.0.4',
    'of the type that Prometheus wants';
is Tollgate::Metrics::complaints($t, $r->{body}), '',
    'promtool has nothing to say about it';
my $s = samples();
is join(' ', grep { my $name = $_; !grep { /^$name\b/ } keys %$s }
                 Tollgate::Metrics::families($r->{body})), '',
    'every metric has a value in a worker that is well';
unlike $r->{body}, qr/$c->{account}|$c->{app}|$c->{key_id}|tg_live|Somchai/,
    'no label tells of an account, app or key';

is $s->{"tollgate_$_"}, 1, "$_ is 1"
    for 'pg_up', map { qq(role_up{role="$_"}) } qw(settle mirror jobs proof api);
is Tollgate::Metrics::total($s, 'tollgate_redis_up'), 1, 'Redis is up';
cmp_ok $s->{"tollgate_$_"}, '==', 0, "$_ is 0"
    for qw(ledger_imbalance accounts_frozen ledger_stream_lag_entries
           ledger_oldest_pending_seconds mirror_pending_commands);

# Who may read it.
my $socket = "$t->{dir}/api.sock";
my ($token) = $t->slurp('operator.token') =~ /(\S+)/;
for my $row (['no token', {}, 401], ['an API key', { 'X-API-Key' => $c->{key} },
             403], ['the token', { Authorization => "Bearer $token" }, 200]) {
    my ($who, $headers, $status) = @$row;
    is Tollgate::Http::request($socket, 'GET', '/api/metrics', $headers)
        ->{status}, $status, "behind nginx, $who gets $status";
}

# What waits, and what was settled.
my $taken = 'ledger_settled_total{result="taken"}';
my $before = value($taken);
kill 'STOP', my $settle = role('settle');
gate($t, $c->{account}, { key => $c->{key}, cost => 1_000_000 }) for 1 .. 3;
is value('ledger_stream_lag_entries'), 3, 'events that wait are counted';
is value('ledger_shard_lag_entries'), 3, 'and those of the longest stream';
$t->wait_for(sub { value('ledger_oldest_pending_seconds') > 0.05 },
             'the oldest to age');
$t->r('SADD', 'tg:{usage}', 'web1');
$t->r('XADD', 'tg:{usage}:web1', '*', 'b', "nonsense\n");
is value('usage_stream_lag_entries'), 1, 'and usage of every host';
$t->wait_for(sub { value('usage_oldest_pending_seconds') > 0.05 },
             'that to age too');
my ($late) = grep { $_->{name} eq 'usage backlog' } @{ $t->must('GET', '/api/doctor')->{checks} };
like $late->{detail}, qr/^1 batches wait in redis, the oldest for \d+\.\d s$/,
    'the doctor says how long';
kill 'CONT', $settle;
$t->settled;
is value($taken), $before + 3, 'what was posted is counted';
is value('usage_settled_total{result="refused"}'), 1,
    'and what was malformed';
is value('ledger_stream_lag_entries'), 0, 'then nothing waits';

kill 'STOP', my $mirror = role('mirror');
$t->must('POST', "/api/accounts/$c->{account}/credits", { credits => '1' });
is value('mirror_pending_commands'), 1, 'a command that Redis does not have';

# Processes: one dies.
my $start = samples()->{'process_start_time_seconds{role="mirror"}'};
kill 'KILL', $mirror;
$t->wait_for(sub {
    my $now = samples();
    ($now->{'process_start_time_seconds{role="mirror"}'} // $start) > $start
        && $now->{'tollgate_role_restarts_total{role="mirror"}'} == 1
}, 'the role to start again') and pass 'a role that died is counted';
$t->mirrored;
is value('mirror_pending_commands'), 0, 'and does what was left';
$s = samples();
for my $name (qw(master settle mirror jobs proof api)) {
    my ($pid) = $name eq 'master' ? $t->{processes}{worker} : role($name);
    my @fds = glob "/proc/$pid/fd/*";
    cmp_ok abs($s->{qq(process_open_fds{role="$name"})} - @fds), '<=', 2,
        "open files of $name";
    my ($kb) = $t->slurp("/proc/$pid/status") =~ /^VmRSS:\s+(\d+)/m;
    cmp_ok abs($s->{qq(process_resident_memory_bytes{role="$name"})}
               - 1024 * $kb), '<', 8 << 20, "memory of $name";
    cmp_ok abs($s->{qq(process_start_time_seconds{role="$name"})} - $^T), '<',
        60, "start of $name";
}

# The command line.
my $tollgate = "$Tollgate::build/tollgate --socket $t->{dir}/admin.sock metrics";
is join(' ', Tollgate::Metrics::families(scalar `$tollgate`)),
    join(' ', Tollgate::Metrics::families($r->{body})),
    'tollgate metrics prints the same page';
`$tollgate -o json 2>&1`;
is $? >> 8, 2, 'which has no other format';

# A part is down.
$t->redis_stop;
is Tollgate::Metrics::total(samples(), 'tollgate_redis_up'), 0,
    'without Redis the page says so';
$t->redis_start;
$t->postgres_stop;
$r = page();
is $r->{status}, 200, 'without Postgres the page is served';
is Tollgate::Metrics::complaints($t, $r->{body}), '', 'in good form';
like $r->{body}, qr/^tollgate_pg_up 0$/m, 'it says so';
like $r->{body}, qr/^tollgate_ledger_stream_lag_entries 0$/m,
    'and still knows what waits in Redis';
$t->postgres_start;
$t->wait_for(sub { value('pg_up') }, 'Postgres again') and pass 'until it is back';

done_testing;
