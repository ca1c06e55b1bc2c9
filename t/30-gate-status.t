#!/usr/bin/perl
# tollgate_status: metrics that promtool has nothing to say about, exact over
# all nginx workers, and without a word about keys or users.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Tollgate::Edge;
use Tollgate::Metrics;

my $t = Tollgate::Edge->begin(workers => 2, conf => <<'CONF');
        tollgate on;
        tollgate_feature image.generate;
        tollgate_user $http_x_user;
        location / {
            add_header X-Pid $pid always;
            proxy_pass http://backend;
        }
        location /dry { tollgate dry_run; proxy_pass http://backend; }
        location /free { tollgate_feature probe; proxy_pass http://backend; }
        location /metrics { tollgate_status; }
CONF

sub page { return $t->get('/metrics') }

sub samples { return Tollgate::Metrics::samples(page()->{body}) }

# What has been added to samples that match, since $before.
sub since {
    my ($before, @what) = @_;

    return Tollgate::Metrics::total(samples(), @what)
        - Tollgate::Metrics::total($before, @what);
}

# The page itself: nobody needs a key for it, though the server is gated.
my $r = page();
is $r->{status}, 200, 'the page needs no key';
is $r->{headers}{'content-type'}, 'text/plain; version=0.0.4',
    'it is of the type that Prometheus wants';
is Tollgate::Metrics::complaints($t, $r->{body}), '',
    'promtool has nothing to say about a fresh page';
my $head = $t->request('HEAD', '/metrics');
is "$head->{status} $head->{body}", '200 ', 'HEAD answers without a body';
is $t->request('POST', '/metrics', {}, 'x')->{status}, 405,
    'other methods are refused';

# Exact over both workers.
$t->plan('gold', mode => 'hybrid', day => 3);
my $c = $t->customer(avail => 100_000);
my $gold = $t->customer(avail => 100, plan => 'gold');
my $poor = $t->customer(avail => 25);
my $start = samples();
my (%pids, $sent);
$t->wait_for(sub {
    $pids{ $t->call($c, 'GET', '/x')->{headers}{'x-pid'} }++ for 1 .. 10;
    $sent += 10;
    keys %pids == 2
}, 'requests to both nginx workers');
is since($start, 'tollgate_decisions_total', qr/"pass"/, qr/"payg"/, qr/"on"/),
    $sent, "$sent requests on two nginx workers are $sent decisions";
is since($start, 'tollgate_credits_charged_total', qr/"payg"/), 10 * $sent,
    'and their credits are charged';

$t->call($gold, 'GET', '/x') for 1 .. 5;
$t->call($poor, 'GET', '/x') for 1 .. 4;
$t->call($c, 'GET', '/x?status=500') for 1 .. 3;
$t->call($gold, 'GET', '/free?status=500');
$t->get('/x');
$t->call({ key => 'nothing"\\' }, 'GET', '/x');
for my $row (
    ['tollgate_units_charged_total', 3, qr/"gold"/],
    ['tollgate_credits_charged_total', 20, qr/"gold"/],
    ['tollgate_credits_charged_total', 10 * $sent + 20 + 30, qr/"payg"/],
    ['tollgate_credits_refunded_total', 30, qr/"payg"/],
    ['tollgate_refunds_total', 3, qr/"outcome"/],
    ['tollgate_decisions_total', 2, qr/"credits_exhausted"/, qr/"payg"/],
    ['tollgate_decisions_total', 1, qr/"key_missing"/, qr/plan="-"/],
    ['tollgate_decisions_total', 1, qr/"key_malformed"/, qr/plan="-"/],
    ['tollgate_decisions_total', 0, qr/"dry_run"/],
) {
    my ($name, $value, @patterns) = @$row;
    is since($start, $name, @patterns), $value, "$name @patterns is $value";
}

# Dry runs count by themselves.
my $charged = Tollgate::Metrics::total(samples(),
                                       'tollgate_credits_charged_total');
$t->call($c, 'GET', '/dry') for 1 .. 2;
$t->call($poor, 'GET', '/dry');
is since($start, 'tollgate_decisions_total', qr/"pass"/, qr/"dry_run"/), 2,
    'what passes in a dry run is counted as one';
is since($start, 'tollgate_decisions_total', qr/exhausted/, qr/"dry_run"/), 1,
    'and what would be refused';
is since($start, 'tollgate_dry_run_credits_total', qr/"payg"/), 20,
    'with what would have been charged';
is Tollgate::Metrics::total(samples(), 'tollgate_credits_charged_total'),
    $charged, 'which is not charged';

# Histograms agree with counters.
my $s = samples();
my $decided = Tollgate::Metrics::total($s, 'tollgate_decisions_total');
is $s->{tollgate_decision_duration_seconds_count}, $decided,
    'each decision was measured';
is $s->{'tollgate_decision_duration_seconds_bucket{le="+Inf"}'}, $decided,
    'in buckets of which the last has all';
cmp_ok $s->{tollgate_decision_duration_seconds_sum}, '>', 0, 'it takes time';
cmp_ok $s->{tollgate_decision_duration_seconds_sum}, '<', $decided,
    'but not a second each';
is $s->{tollgate_catalog_version}, 1, 'the version of the catalog';
is $s->{tollgate_shm_size_bytes}, 1024 * 1024, 'the size of the zone';

# Odd labels, and none that tells who came.
$t->plan('o"d\\d');
my $odd = $t->customer(avail => 100, plan => 'o"d\\d');
my $user = 'eve"\\n@example.com';
$t->call($odd, 'GET', '/x', 'X-User' => $user) for 1 .. 2;
my $text = page()->{body};
is Tollgate::Metrics::complaints($t, $text), '', 'promtool reads an odd plan';
like $text, qr/plan="o\\"d\\\\d"/, 'which is escaped';
unlike $text, qr/tg_live|key_\d|eve|example\.com|Edge0|app_0|nothing/,
    'no label tells of an account, app, key or user';

# No plan is left out.
my ($shard, $wallet) = (Tollgate::shard($c->{account}),
                        Tollgate::wallet_key($c->{account}));
for my $n (1 .. 70) {
    $t->r('COPY', "tg:{$shard}:plan:payg", "tg:{$shard}:plan:many$n");
    $t->r('HSET', $wallet, 'plan', "many$n");
    $t->call($c, 'GET', '/x');
}
$s = samples();
is Tollgate::Metrics::total($s, 'tollgate_decisions_total', qr/plan="m/)
    + Tollgate::Metrics::total($s, 'tollgate_decisions_total', qr/"other"/),
    70, 'more plans than the table holds are counted too';
cmp_ok Tollgate::Metrics::total($s, 'tollgate_decisions_total', qr/"other"/),
    '>', 0, 'those that have no place as "other"';

# A reload goes on counting.
my $before = samples();
$t->nginx_reload;
$t->wait_for(sub { 2 == (() = $t->error_log =~ /exited with code 0/g) },
             'the reload');
$t->call($poor, 'GET', '/x');
is since($before, 'tollgate_decisions_total'), 1, 'a reload loses no count';

done_testing;
