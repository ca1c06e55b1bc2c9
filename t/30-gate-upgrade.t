#!/usr/bin/perl
# Connections that go on after their answer: a WebSocket is charged when it is
# upgraded and stays while it lasts, a gRPC call is charged as the HTTP that it
# is.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Tollgate::Edge;
use Tollgate::Gate;
use Tollgate::H2;

my $t = Tollgate::Edge->begin(conf => <<'CONF', http => <<'HTTP');
        tollgate on;
        tollgate_feature image.generate;
        proxy_http_version 1.1;
        proxy_set_header Upgrade $http_upgrade;
        proxy_set_header Connection upgrade;
        location /ws { proxy_pass http://unix:%%DIR%%/hand.sock; }
        location /later {
            tollgate_charge_on 2xx;
            proxy_pass http://unix:%%DIR%%/hand.sock;
        }
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
my %upgrade = (Connection => 'Upgrade', Upgrade => 'websocket',
               'Sec-WebSocket-Key' => 'x' x 22 . '==');

# Reads from a socket until the text is there.
sub until_read {
    my ($socket, $pattern) = @_;

    my $text = '';
    local $SIG{ALRM} = sub { die "no $pattern in \"$text\"\n" };
    alarm $Tollgate::Http::timeout;
    until ($text =~ $pattern) {
        sysread $socket, $text, 65536, length $text or last;
    }
    alarm 0;

    return $text;
}

# An upgraded connection: both of its ends.
sub websocket {
    my ($customer, $path) = @_;

    my $client = $t->send_request($customer, 'GET', $path, %upgrade);
    my ($backend) = $t->accepted($listener);
    syswrite $backend, "HTTP/1.1 101 Switching Protocols\r\n"
        . "Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n";
    like until_read($client, qr/\r\n\r\n/), qr{^HTTP/1\.1 101 .*Tollgate-Cost}s,
        "$path: upgraded";

    return ($client, $backend);
}

# who hangs up makes no difference
my %customer;
for my $who ('client', 'backend') {
    my $c = $customer{$who} = $t->customer(avail => 100);
    my ($client, $backend) = websocket($c, '/ws');
    for my $n (1 .. 3) {
        syswrite $client, "ping $n";
        is until_read($backend, qr/\d/), "ping $n", "$who: a frame goes there";
        syswrite $backend, "pong $n";
        is until_read($client, qr/\d/), "pong $n", "$who: and back";
    }
    is $t->avail($c), 90_000_000, "$who: charged once while it lasts";
    is scalar $t->usage($c->{account}), 0, "$who: recorded when it ends";
    close($who eq 'client' ? $client : $backend);
    is tally($t, $c, 1), $once, "$who hangs up: $once";
    my ($record) = $t->usage($c->{account});
    is $record->{status}, 101, "$who: and 101 is what counts";
}

# what the gate or the backend refuses
my $poor = $t->customer;
like until_read($t->send_request($poor, 'GET', '/ws', %upgrade), qr/\}\r\n/),
    qr{^HTTP/1\.1 402 }, 'an upgrade is refused as any request';
for my $row ([403, $once], [500, $back]) {
    my ($status, $want) = @$row;

    my $c = $t->customer(avail => 100);
    my $client = $t->send_request($c, 'GET', '/ws', %upgrade);
    my ($backend) = $t->accepted($listener);
    print {$backend} "HTTP/1.1 $status No\r\nContent-Length: 0\r\n"
        . "Connection: close\r\n\r\n";
    $backend->flush;
    like until_read($client, qr/\r\n\r\n/), qr/ $status /, 'no upgrade';
    close $_ for $client, $backend;
    is tally($t, $c, 1), $want, "a backend that answers $status: $want";
}
my $later = $t->customer(avail => 100);
close $_ for websocket($later, '/later');
is tally($t, $later, 1), $back, 'without 1xx in tollgate_charge_on: given back';

# gRPC: path, status, whether there are trailers, what it costs
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
until_read($backend, qr/PRI/);
$h2->reset_stream($id);
$h2->flush;
is tally($t, $c, 1), $once, "a gRPC call that is cancelled: $once";

done_testing;
