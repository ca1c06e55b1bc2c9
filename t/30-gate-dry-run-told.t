#!/usr/bin/perl
# What a dry run tells where it is asked to, in headers and metrics: all that
# would have been. It writes nothing, and the location next to it does.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Tollgate::Edge;
use Tollgate::Gate;
use Tollgate::Metrics;

my $t = Tollgate::Edge->begin(conf => <<'CONF');
        tollgate on;
        tollgate_feature image.generate;
        tollgate_headers verdict;
        location / { proxy_pass http://backend; }
        location /told { tollgate dry_run; proxy_pass http://backend; }
        location /quiet {
            tollgate dry_run;
            tollgate_headers ietf legacy credits;
            proxy_pass http://backend;
        }
        location /off { tollgate off; proxy_pass http://backend; }
        location /metrics { tollgate_status; }
CONF

$t->plan('slow', key_rate => 60_000_000, key_burst => 1);
$t->plan('sub', mode => 'subscription', day => 2);
my $c = $t->customer(avail => 100);
my $poor = $t->customer;
my $slow = $t->customer(avail => 100, plan => 'slow');
my $sub = $t->customer(plan => 'sub');
my %before = map { $_ => snapshot($t, $_) }
    map { $_->{account} } $c, $poor, $slow, $sub;
my $telling = Tollgate::Metrics::samples($t->get('/metrics')->{body});

# who, path, verdict, what it would charge
for my $row (
    [$c, '/told', 'pass; dry_run', '10; units=0'],
    [$c, '/told?status=500', 'pass; dry_run', '0; units=0'],
    [$sub, '/told', 'pass; dry_run', '0; units=1'],
    [$poor, '/told', 'credits_exhausted; dry_run', '-'],
    [$slow, '/told', 'pass; dry_run', '10; units=0'],
    [{ key => 'bad' }, '/told', 'key_malformed; dry_run', '-'],
) {
    my ($who, $path, $verdict, $charge) = @$row;
    my $h = $t->call($who, 'GET', $path)->{headers};
    is join(' | ', $h->{'tollgate-verdict'}, $h->{'tollgate-would-charge'}
            // '-'), "$verdict | $charge", "$path tells: $verdict $charge";
    is join(' ', grep { /cost|remaining|rate|retry|request-id/ } keys %$h), '',
        'and nothing else of the gate';
}
is snapshot($t, $_), $before{$_}, 'telling leaves no trace either'
    for sort keys %before;
my $after = Tollgate::Metrics::samples($t->get('/metrics')->{body});
my %added = map { $_ => $after->{$_} - $telling->{$_} }
    grep { /decisions_total|credits|units/ && $after->{$_} != $telling->{$_} }
    grep { $telling->{$_} //= 0; 1 } keys %$after;
my @dry = map { "tollgate_decisions_total{verdict=\"$_->[0]\",plan=\"$_->[1]\","
                . 'mode="dry_run"}' }
    ['pass', 'payg'], ['pass', 'sub'], ['pass', 'slow'],
    ['credits_exhausted', 'payg'], ['key_malformed', '-'];
is_deeply \%added, { $dry[0] => 2, map({ $_ => 1 } @dry[1 .. 4]),
        'tollgate_dry_run_credits_total{plan="payg"}' => 20,
        'tollgate_dry_run_credits_total{plan="slow"}' => 10,
        'tollgate_dry_run_units_total{plan="sub"}' => 1 },
    'metrics count what would have been, apart from what is';

# the location beside it charges and refuses
is $t->call($slow, 'GET', '/')->{headers}{'tollgate-verdict'}, 'pass',
    'a dry run used none of the rate of the location next to it';
my $r = $t->call($slow, 'GET', '/');
is "$r->{status} $r->{headers}{'tollgate-verdict'}", '429 rate_limited',
    'which is gated';
is $t->avail($slow), 90_000_000, 'and charges';
is $t->call($slow, 'GET', '/told')->{headers}{'tollgate-verdict'},
    'rate_limited; dry_run', 'as the dry run tells then';
my $quiet = $t->call($c, 'GET', '/quiet')->{headers};
is join(' ', grep { /tollgate|rate/ } keys %$quiet), '',
    'other families tell nothing in a dry run';
is $t->call($c, 'GET', '/off')->{headers}{'tollgate-verdict'}, undef,
    'where nothing is gated there is no verdict';

done_testing;
