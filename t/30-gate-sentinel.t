#!/usr/bin/perl
# The gate over sentinels: it follows the master that they name, and nobody is
# charged for a request that was refused on the way.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Time::HiRes qw(time);
use Tollgate::Edge;
use Tollgate::Fleet;
use Tollgate::Gate;

my $t = Tollgate::Edge->begin(workers => 2,
    fleet => ['sentinel', replicas => 1], conf => <<'CONF');
        tollgate on;
        tollgate_cost 10;
        location / { proxy_pass http://backend; }
        location /metrics { tollgate_status; }
CONF
my $c = $t->customer(avail => 1_000_000);
my $paid = 0;

# Sends requests at once; how many of each status.
sub count {
    my ($count, $path) = @_;

    my %count;
    $count{ $_->{status} }++ for $t->parallel(
        map { ['GET', $path // '/', { 'X-API-Key' => $c->{key} }] } 1 .. $count);
    $paid += $count{200} // 0;

    return \%count;
}

sub paid {
    my ($what) = @_;

    my $want = 1_000_000_000_000 - $paid * 10_000_000;
    $t->wait_for(sub { $t->avail($c) == $want }, "$what: to be paid");

    return is $t->avail($c), $want, "$what: each request has paid once";
}

is_deeply count(20), { 200 => 20 }, 'requests pass by the master';
paid('at first');
$t->in_sync;

# The master is killed: the replica takes over with all that it has.
$t->node_kill('node1');
my $start = time;
is_deeply count(50), { 503 => 50 }, 'the master is killed: requests are refused';
cmp_ok time - $start, '<', 2, 'at once';
is $t->failed_over('node1'), 'node2', 'the sentinels name another';
$t->wait_for(sub { (count(20)->{200} // 0) == 20 },
             'requests to pass again');
is_deeply count(20), { 200 => 20 }, 'the gate has found it';
paid('over the failover');
$t->wait_for(sub {
    2 <= (() = $t->error_log =~ /redis "127[^"]+" is not needed any more/g)
}, 'both nginx workers to let the old one go');
my %up = $t->get('/metrics')->{body}
    =~ /^tollgate_redis_up\{server="(127[^",]+:\d+)"\} (\d)$/mg;
is_deeply [grep { $up{$_} != 1 } keys %up], [], 'metrics show no dead server';
is $up{ $t->node_address('node2') }, 1, 'but the new master';

# It comes again, as a replica.
$t->node_start('node1');
$t->wait_for(sub { $t->n('node1', 'ROLE')->[0] eq 'slave' },
             'the old master to follow');
is_deeply count(20), { 200 => 20 }, 'when the old one comes again all pass';
$t->in_sync;
$t->sentinels_agree;
paid('after that');

# A master that hangs is given up, and wakes as a replica.
$t->node_pause('node2');
my @waiting = map { $t->send_request($c, 'GET', '/') } 1 .. 10;
is scalar(grep { Tollgate::Http::read_response($_)->{status} == 503 }
          @waiting), 10, 'the master hangs: requests are refused in time';
is $t->failed_over('node2'), 'node1', 'the sentinels name another';
$t->wait_for(sub { (count(20)->{200} // 0) == 20 },
             'requests to pass again');
is_deeply count(20), { 200 => 20 }, 'the gate has found it';
$t->node_resume('node2');
$t->wait_for(sub { $t->n('node2', 'ROLE')->[0] eq 'slave' },
             'the one that hung to follow');
$t->in_sync;
paid('over the hang');

# Asked to, the sentinels change the master while requests come: what is
# refused half way is not charged. What the old master took and did not pass on
# is gone with it, which the register on the new one can't know.
$t->sentinels_agree;
$t->wait_for(sub {
    !ref $t->n_try('sentinel1', 'SENTINEL', 'FAILOVER', 'tollgate')
}, 'the sentinels to be ready for another failover', 20);
my %seen;
$t->wait_for(sub {
    for my $r ($t->parallel(map { ['GET', '/', { 'X-API-Key' => $c->{key} }] }
                            1 .. 10))
    {
        $seen{ $r->{status} }{ $r->{headers}{'x-request-id'} // '' }++;
    }
    $t->n('node2', 'ROLE')->[0] eq 'master'
        && $t->n('node1', 'ROLE')->[0] eq 'slave';
}, 'the sentinels to change the master');
$t->wait_for(sub { count(1)->{200} }, 'requests to pass again');
is_deeply [grep { !/^(200|503)$/ } keys %seen], [],
    'while they do each request passes or is refused';

my (%charged, %returned);
for my $event (events($t, $c->{account})) {
    for my $item (split /;/, $event->{i}) {
        my ($id) = split / /, $item;
        ($event->{k} eq 'charge' ? \%charged : \%returned)->{$id}++;
    }
}
is_deeply [grep { $_ > 1 } values %charged], [], 'none is charged twice';
is_deeply [grep { $charged{$_} && !$returned{$_} } keys %{ $seen{503} }], [],
    'none that was refused is charged for good';

# Sentinels that know no such master, and none that runs
$t->nginx_stop;
my ($ok, $out) = $t->nginx_test($t->edge_conf(conf => 'tollgate on;',
    address => join ' ', $t->fleet_servers, 'sentinel=other'));
ok $ok, 'a master that is unknown is no error of the configuration';
$t->nginx($t->edge_conf(conf => 'tollgate on; tollgate_cost 1;',
    address => join ' ', $t->fleet_servers, 'sentinel=other'));
is $t->call($c, 'GET', '/')->{status}, 503, 'but requests are refused';
$t->wait_for(sub { $t->error_log =~ /knows no master "other", hint: check/ },
             'the log to say so');
unlike $t->error_log, qr/\[(?:alert|emerg|crit)\]/, 'nothing terrible happened';

done_testing;
