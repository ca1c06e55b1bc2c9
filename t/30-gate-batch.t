#!/usr/bin/perl
# Many requests at once over two nginx processes: exactly what the balance pays
# passes, those that wait together go together, and answers find their requests.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Tollgate::Edge;
use Tollgate::Gate;

my $t = Tollgate::Edge->begin(workers => 2, conf => <<'CONF');
        tollgate on;
        tollgate_timeout 10s;
        tollgate_feature image.generate;
        location / { proxy_pass http://backend; }
        location /active { return 200 $connections_active; }
        location /cost { tollgate_cost $arg_cost; proxy_pass http://backend; }
CONF

sub count {
    my %count;
    $count{ $_->{status} }++ for @_;
    return \%count;
}

sub calls {
    return ($t->r('INFO', 'commandstats')
            =~ /cmdstat_evalsha:calls=(\d+)/)[0] // 0;
}

# the promise
my $c = $t->customer(avail => 1000);
my @list = map { ['GET', "/x?n=$_", { 'X-API-Key' => $c->{key} }] } 1 .. 200;
my @answers = $t->parallel(@list);
is_deeply count(@answers), { 200 => 100, 402 => 100 },
    'exactly 100 of 200 parallel requests of 10 credits pass on 1 000';
is $t->avail($c), 0, 'nothing is left';

my %seen;
for my $n (1 .. 200) {
    my $r = $answers[$n - 1];
    next if $r->{status} != 200;
    is $r->{json}{uri}, "/x?n=$n", 'a request gets its own answer';
    $seen{ $r->{headers}{'tollgate-credits-remaining'} }++;
}
is_deeply [sort { $a <=> $b } keys %seen], [map { 10 * $_ } 0 .. 99],
    'and each another balance after it';

my @items = map { split /;/, $_->{i} } events($t, $c->{account});
is scalar @items, 100, 'the register lists each of them';
my %ids = map { (split / /)[0] => 1 } @items;
is scalar keys %ids, 100, 'under its own request id';

# requests that arrive in one turn of nginx's loop go together
my @customers = map { $t->customer(avail => 1000) } 1 .. 3;
my @sockets = map { Tollgate::Http::open_socket("$t->{dir}/nginx.sock") }
    1 .. 150;
syswrite $sockets[$_], "GET /x?n=$_ HTTP/1.1\r\nHost: l\r\n" for 0 .. 149;
$t->wait_for(sub { $t->get('/active')->{body} > 150 },
             'nginx to have all connections');
my $before = calls();
my @workers = $t->children('nginx');
kill 'STOP', @workers;
syswrite $sockets[$_],
    "Connection: close\r\nX-API-Key: $customers[$_ % 3]{key}\r\n\r\n"
    for 0 .. 149;
kill 'CONT', @workers;
my @all = map { Tollgate::Http::read_response($_) } @sockets;
is_deeply count(@all), { 200 => 150 }, '150 requests of three accounts pass';
is_deeply [map { $_->{json}{account} } @all],
    [map { $customers[$_ % 3]{account} } 0 .. 149],
    'each as the account that sent it';
cmp_ok calls() - $before, '<', 50, 'in fewer than 50 calls of Redis';
for my $customer (@customers) {
    is $t->avail($customer), 500_000_000, 'each account paid for its 50';
    my @events = events($t, $customer->{account});
    cmp_ok scalar @events, '<', 25, 'in a few events';
    is_deeply [map { $_->{s} } @events], [1 .. @events], 'without a gap';
}

# a call of mixed prices takes what fits, in order
my $m = $t->customer(avail => 10);
$t->parallel(map { ['GET', "/cost?cost=$_", { 'X-API-Key' => $m->{key} }] }
             7, 7, 3, 3, 0, 0);
my $spent = 10_000_000 - $t->avail($m);
my ($event) = (events($t, $m->{account}))[-1];
cmp_ok $t->avail($m), '>=', 0, 'a balance never goes below zero';
is $event->{v}, $t->avail($m), 'and the register says what it is';
cmp_ok $spent, '>=', 6_000_000, 'what fits beside a refusal passes';

# one after the other on one connection
my $socket = Tollgate::Http::open_socket("$t->{dir}/nginx.sock");
my $k = $t->customer(avail => 25);
print {$socket} map {
    "GET /x?n=$_ HTTP/1.1\r\nHost: l\r\nX-API-Key: $k->{key}\r\n"
    . ($_ == 5 ? "Connection: close\r\n\r\n" : "\r\n")
} 1 .. 5;
$socket->flush;
my $text = '';
1 while sysread $socket, $text, 65536, length $text;
is join(' ', $text =~ m{^HTTP/1\.1 (\d+)}gm), '200 200 402 402 402',
    'pipelined requests are decided in order';
is join(' ', $text =~ /"uri":"(.*?)"/g), '/x?n=1 /x?n=2', 'and answered so';

done_testing;
