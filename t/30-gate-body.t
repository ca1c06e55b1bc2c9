#!/usr/bin/perl
# A body that doesn't arrive whole: the backend never had the request, so nobody
# pays for it, whatever status nginx gives it.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Tollgate::Edge;

my $t = Tollgate::Edge->begin(conf => <<'CONF');
        tollgate on;
        tollgate_feature image.generate;
        client_max_body_size 1k;
        client_body_timeout 500ms;
        lingering_close off;
        location / { proxy_pass http://backend; }
CONF

my $other = $t->customer(avail => 1000);

# Sends a request with this rest; what is read back, and the usage record.
sub outcome {
    my ($rest, $leaves) = @_;

    my $c = $t->customer(avail => 100);
    my $socket = Tollgate::Http::open_socket("$t->{dir}/nginx.sock");
    print {$socket} "POST /x HTTP/1.1\r\nHost: l\r\nX-API-Key: $c->{key}\r\n"
        . "Connection: close\r\n$rest";
    $socket->flush;
    if ($leaves) {
        $t->wait_for(sub { $t->avail($c) == 90_000_000 }, 'the charge');

        # its answer has come when that of a later request has
        $t->call($other, 'GET', '/');
        close $socket;
    }
    my ($record) = $t->used($c->{account}, 1);
    $t->wait_for(sub { $t->avail($c) == 100_000_000 }, 'a refund', 2)
        if $record->{refunded};

    return ($record->{status}, $record->{refunded},
            $t->avail($c) / 1_000_000);
}

my $chunked = "Transfer-Encoding: chunked\r\n\r\n";
my @rows = (
    ['a client that leaves within its body',
     "Content-Length: 100\r\n\r\nhalf", 1, qr/^(?:400|499) 1 100$/],
    ['a client that leaves within a chunk', "${chunked}64\r\nhalf", 1,
     qr/^(?:400|499) 1 100$/],
    ['a body that is too slow', "Content-Length: 100\r\n\r\nhalf", 0,
     qr/^408 1 100$/],
    ['chunks that are none', "${chunked}nonsense\r\n", 0, qr/^400 1 100$/],
    ['chunks that grow too large', "${chunked}800\r\n" . 'x' x 2048 . "\r\n0\r\n",
     0, qr/^413 1 100$/],
    ['a body that comes whole', "Content-Length: 4\r\n\r\nfull", 0,
     qr/^200 0 90$/],
    ['chunks that come whole', "${chunked}4\r\nfull\r\n0\r\n\r\n", 0,
     qr/^200 0 90$/],
);
for my $row (@rows) {
    my ($what, $rest, $leaves, $want) = @$row;

    like join(' ', outcome($rest, $leaves)), $want,
        "$what: status, refunded, credits left";
}

# the backend's own refusal of a body is an answer like others
my $c = $t->customer(avail => 100);
is $t->request('POST', '/x?status=403', { 'X-API-Key' => $c->{key} },
               'body')->{status}, 403, 'the backend refuses what it has read';
$t->used($c->{account}, 1);
is $t->avail($c), 90_000_000, 'and that is charged';

done_testing;
