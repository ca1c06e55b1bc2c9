# docs/metrics.md has every metric that the sources have, and alerts are on
# metrics that exist.

use strict;
use warnings;

use File::Temp;
use FindBin;
use Test::More;

my $root = "$FindBin::Bin/..";
my $rules = "$root/conf/prometheus-rules.yml";

sub text {
    my ($name) = @_;

    open my $file, '<', $name or die "$name: $!\n";
    local $/;

    return scalar readline $file;
}

# What the two have: name and type of each metric.
for my $part (
    ['Of the gate', 'ngx_module/ngx_http_tollgate_status.c'],
    ['Of the worker', 'worker/api_metrics.c'],
) {
    my ($title, $file) = @$part;

    my ($section) = text("$root/docs/metrics.md")
        =~ /^## $title\n(.*?)(?=^## |\z)/ms;
    my @told = $section =~ /^\| `(tollgate_\w+|process_\w+)` \| (\w+) \|/mg;
    my @there = text("$root/$file")
        =~ /"(\w+)"\)?,\s*"(gauge|counter|histogram)"/g;
    cmp_ok scalar @there, '>', 0, "$file has metrics";
    is_deeply pairs(@told), pairs(@there),
        'and docs/metrics.md has all of them, and no others';
}

sub pairs {
    my @pairs;
    push @pairs, join ' ', splice @_, 0, 2 while @_;

    return [sort @pairs];
}

# promtool can't know which metrics exist.
my %exist = map { $_ => 1 } text("$root/docs/metrics.md") =~ /^\| `(\w+)` /mg;
my @used = map { s/_bucket$//r } map { /\b(tollgate_\w+)/g }
    text($rules) =~ s/^\s+(?:summary|action):.*$//mgr;
cmp_ok scalar @used, '>', 0, 'there are alerts';
is_deeply [grep { !$exist{$_} } @used], [], 'on metrics that exist';

my $out = `promtool check rules $rules 2>&1`;
is $?, 0, 'promtool reads them' or diag $out;

# What is measured, and the alerts that it has raised after twelve minutes.
my $verdict = 'tollgate_decisions_total{verdict=';
my @alerts = (
    ['all is well', [], "$verdict\"pass\"}" => '0+100x60'],
    ['a few undecided', [], "$verdict\"pass\"}" => '0+1000x60',
     "$verdict\"store_unreachable\"}" => '0+1x60'],
    ['many undecided', ['ErrorBudgetBurns'], "$verdict\"pass\"}" => '0+100x60',
     "$verdict\"store_unreachable\"}" => '0+5x60'],
    ['Redis down', ['RedisDown'], 'tollgate_redis_up{server="a"}' => '1x3 0x60',
     'tollgate_redis_up{server="b"}' => '1x60'],
    ['usage lost', ['UsageDropped'],
     'tollgate_usage_dropped_total' => '0x5 3x60'],
    ['debts that are paid', [], 'tollgate_debts' => '0 5 0 5 0 5 0x60'],
    ['debts that wait', ['DebtsWait'], 'tollgate_debts' => '5x60'],
    ['an imbalance', ['LedgerImbalance'],
     'tollgate_ledger_imbalance' => '0x5 1x60'],
    ['a frozen account', ['AccountsFrozen'],
     'tollgate_accounts_frozen' => '0x5 1x60'],
    ['settlement behind', ['SettleLags'],
     'tollgate_ledger_oldest_pending_seconds' => '0+60x60'],
    ['usage behind', ['SettleLags'],
     'tollgate_usage_oldest_pending_seconds' => '0+60x60'],
    ['settled again', [], 'tollgate_streams_behind{events="kept"}' => '1x60'],
    ['a backup that is too old', ['PostgresBehind'],
     'tollgate_streams_behind{events="gone"}' => '0x5 1x60'],
    ['Postgres down for one of two', [],
     'tollgate_pg_up{instance="a"}' => '0x60',
     'tollgate_pg_up{instance="b"}' => '1x60'],
    ['Postgres down', ['PostgresDown'], 'tollgate_pg_up' => '0x60'],
    ['a job that fails', ['JobFails'],
     'tollgate_job_failures_total{job="x"}' => '0+1x60'],
    ['no worker', ['WorkerGone']],
);
my @names = text($rules) =~ /alert: Tollgate(\w+)/g;
my $tests = '';
for my $row (@alerts) {
    my ($what, $raised, %series) = @$row;
    my %raised = map { $_ => 1 } @$raised;

    $series{tollgate_worker_build_info} = $raised{WorkerGone} ? '_x60' : '1x60';
    $tests .= "  - interval: 1m\n    name: $what\n    input_series:\n"
        . join('', map { "      - {series: '$_', values: '$series{$_}'}\n" }
               sort keys %series)
        . "    promql_expr_test:\n"
        . join('', map {
            my $count = $raised{$_} ? 1 : 0;
            "      - {expr: 'count(ALERTS{alertname=\"Tollgate$_\",alertstate"
                . "=\"firing\"}) or vector(0)', eval_time: 12m, exp_samples: "
                . "[{labels: '{}', value: $count}]}\n"
          } @names);
}
my $file = File::Temp->new(SUFFIX => '.yml');
print {$file} "rule_files: ['$rules']\nevaluation_interval: 1m\ntests:\n$tests";
close $file;
$out = `promtool test rules $file 2>&1`;
is $?, 0, 'each alert is raised when it has to be' or diag $out;

done_testing;
