#!/usr/bin/perl
# TLS between nginx and Redis: it works, and certificates that don't fit are
# refused with a reason.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Tollgate::Edge;
use Tollgate::Fleet;

my $conf = 'tollgate on; tollgate_cost 10;'
    . ' location / { proxy_pass http://backend; }';
my $t = Tollgate::Edge->begin(workers => 2, fleet => ['single', tls => 2],
    late => 1, conf => $conf);
my $c = $t->customer(avail => 1000);
my ($address) = $t->fleet_servers;
my ($port) = $address =~ /(\d+)$/;
my ($ca, $crt, $key, $stranger) =
    map { $t->tls_file($_) } qw(ca.crt client.crt client.key stranger.crt);
my $mutual = "tls tls_ca=$ca tls_cert=$crt tls_key=$key";

# parameters => what the log says, or undef where requests pass
my @cases = (
    ["127.0.0.1:$port $mutual"],
    ["localhost:$port $mutual"],
    ["127.0.0.1:$port $mutual tls_name=localhost"],
    ["127.0.0.1:$port tls tls_verify=off tls_cert=$crt tls_key=$key"],
    ["127.0.0.1:$port $mutual tls_name=elsewhere.example",
     qr/is for another name, hint: give "tls_name"/],
    ["127.0.0.1:$port tls tls_ca=$stranger tls_cert=$crt tls_key=$key",
     qr/self-signed|unable to get|unable to verify|self signed/],
    ["127.0.0.1:$port tls tls_cert=$crt tls_key=$key",
     qr/self-signed|unable to get|unable to verify|self signed/],
    ["127.0.0.1:$port tls tls_ca=$ca", qr/Redis closed the connection|alert/],
    ["127.0.0.1:$port", qr/Redis closed the connection|unexpected reply/],
);
my $paid = 0;
for (@cases) {
    my ($server, $reason) = @$_;

    my $name = $server =~ s/\Q$port\E/port/r =~ s/=\S*\//=/gr;
    $t->nginx_stop('TERM');
    $t->spew('error.log', '');
    $t->nginx($t->edge_conf(conf => $conf, address => $server), workers => 2);
    if ($reason) {
        $t->wait_for(sub { $t->error_log =~ $reason }, "$name: the reason");
        is $t->call($c, 'GET', '/')->{status}, 503,
            "$name: no request passes";
    } else {
        $t->ready;
        my @all = $t->parallel(map {
            ['GET', '/', { 'X-API-Key' => $c->{key} }]
        } 1 .. 3);
        is join(' ', map { $_->{status} } @all), '200 200 200',
            "$name: requests pass";
        $paid += 3;
    }
    is $t->avail($c), (100 - $paid) * 10_000_000, "$name: and are charged";
    unlike $t->error_log, qr/\[(?:alert|emerg)\]/, "$name: no alert";
}

# A connection of TLS that is lost is made again.
$t->nginx_stop;
$t->nginx($t->edge_conf(conf => $conf, address => "127.0.0.1:$port $mutual"));
$t->{workers} = 1;
$t->spew('error.log', '');
$t->node_kill('node1');
$t->wait_for(sub { $t->call($c, 'GET', '/')->{status} == 503 },
             'requests to be refused');
$t->node_start('node1');
$t->plan('payg');
$t->catalog(@Tollgate::Edge::CATALOG);
my $d = $t->customer(avail => 1000);
$t->wait_for(sub { $t->call($d, 'GET', '/')->{status} == 200 },
             'the gate to connect again');
is $t->avail($d), 990_000_000, 'and to charge';

# A reload leaves nobody without an answer.
my @sockets;
for my $round (1 .. 3) {
    push @sockets, map { $t->send_request($d, 'GET', '/') } 1 .. 10;
    $t->nginx_reload;
}
my @got = map { Tollgate::Http::read_response($_) } @sockets;
is_deeply [grep { $_->{status} != 200 } @got], [], 'reloads lose no request';
is $t->avail($d), 690_000_000, 'and each is charged once';

done_testing;
