#!/usr/bin/perl
# gRPC is charged as the HTTP that it is: a status of its own in headers or
# trailers is the backend's affair.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Tollgate::Edge;
use Tollgate::Gate;
use Tollgate::H2;

my $t = Tollgate::Edge->begin(conf => <<'CONF', http => <<'HTTP');
        location / { return 404; }
CONF
    server {
        listen unix:%%DIR%%/nginx-front.sock http2;
        tollgate on;
        tollgate_feature image.generate;
        location / { grpc_pass grpc://unix:%%DIR%%/nginx-grpc.sock; }
        location /hand { grpc_pass grpc://unix:%%DIR%%/hand.sock; }
        location /away { grpc_pass grpc://unix:%%DIR%%/nonexistent.sock; }
        location /dressed {
            error_page 502 = @unavailable;
            grpc_pass grpc://unix:%%DIR%%/nonexistent.sock;
        }
        location @unavailable {
            default_type application/grpc;
            add_header grpc-status 14;
            return 200 "";
        }
    }
    server {
        listen unix:%%DIR%%/nginx-grpc.sock http2;
        default_type application/grpc;
        location / { add_trailer grpc-status 0; return 200 "reply"; }
        location /fails { add_trailer grpc-status 13; return 200 "part"; }
        location /only { add_header grpc-status 5; return 200 ""; }
        location /broken { return 503; }
    }
HTTP
my $listener = $t->listener('hand');
$SIG{PIPE} = 'IGNORE';
my ($once, $back) = ('1 charged, 0 refunded, 90 left',
                     '1 charged, 1 refunded, 100 left');

# path, status, whether there are trailers, what it costs
my $h2 = Tollgate::H2->new("$t->{dir}/nginx-front.sock");
my @rows = (
    ['/ok', 200, 1, $once],
    ['/fails', 200, 1, $once],
    ['/only', 200, undef, $once],
    ['/broken', 503, undef, $back],
    ['/away', 502, undef, $back],
    ['/dressed', 200, undef, $back],
);
for my $row (@rows) {
    my ($path, $status, $trailers) = @$row;

    push @$row, my $c = $t->customer(avail => 100);
    my $stream = $h2->answer($h2->open_stream('POST', $path,
        { te => 'trailers', 'content-type' => 'application/grpc',
          'x-api-key' => $c->{key} }, "\0\0\0\0\1x"));
    is $stream->{status}, $status, "gRPC $path is answered with $status";
    is $stream->{trailers}, $trailers, "gRPC $path: trailers come through";
}
is tally($t, $_->[4], 1), $_->[3], "gRPC $_->[0]: $_->[3]" for @rows;
is $h2->get('/ok', 'content-type' => 'application/grpc')->{status}, 401,
    'a gRPC call needs a key';

# a call that is cancelled while the backend works on it
my $c = $t->customer(avail => 100);
my $id = $h2->open_stream('POST', '/hand', { 'x-api-key' => $c->{key} },
                          "\0\0\0\0\1x");
$h2->flush;
my $backend = $listener->accept;
sysread $backend, my $preface, 24;
is $preface, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 'the backend is called';
$h2->reset_stream($id);
$h2->flush;
is tally($t, $c, 1), $once, "a gRPC call that is cancelled: $once";

done_testing;
