#!/usr/bin/perl
# HTTP as it should be: keep-alive after a refusal, bodies that are not wanted,
# HEAD, preflight requests, HTTP/1.0, Expect.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Tollgate::Edge;
use Tollgate::Gate;

my $t = Tollgate::Edge->begin(conf => <<'CONF');
        tollgate on;
        tollgate_feature image.generate;
        client_max_body_size 10m;
        location / { proxy_pass http://backend; }
CONF
my $c = $t->customer(avail => 1000);
my $poor = $t->customer;

# One response from a connection that stays open.
sub response {
    my ($socket, $head_only) = @_;

    my $text = '';
    until ($text =~ /\r\n\r\n/) {
        sysread $socket, $text, 1, length $text or return { status => 0 };
    }
    my ($length) = $text =~ /^Content-Length: (\d+)/mi;
    my $from = length $text;
    while (!$head_only && length($text) - $from < ($length // 0)) {
        sysread $socket, $text, $length - (length($text) - $from), length $text
            or last;
    }

    return Tollgate::Http::parse($text);
}

sub ask {
    my ($socket, $method, $who, $body, %headers) = @_;

    print {$socket} Tollgate::Http::format_request($method, '/x',
        { Connection => 'keep-alive', 'X-API-Key' => $who->{key}, %headers },
        $body);
    $socket->flush;

    return response($socket, $method eq 'HEAD');
}

# a connection outlives refusals, with and without bodies
my $socket = Tollgate::Http::open_socket("$t->{dir}/nginx.sock");
for my $round (1, 2) {
    is ask($socket, 'GET', $poor)->{status}, 402, "a refusal ($round)";
    is ask($socket, 'POST', $poor, 'x' x 20_000)->{status}, 402,
        "a refusal of a body ($round)";
    is ask($socket, 'POST', { key => 'bad' }, 'x' x 3_000_000)->{status}, 401,
        "a refusal of a large body ($round)";
    is ask($socket, 'POST', $c, 'x' x 20_000)->{json}{method}, 'POST',
        "then a request that passes, on the same connection ($round)";
    print {$socket} "POST /x HTTP/1.1\r\nHost: l\r\nX-API-Key: $poor->{key}\r\n"
        . "Transfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\n\r\n";
    $socket->flush;
    is response($socket)->{status}, 402,
        "a refusal of a chunked body ($round)";
    is ask($socket, 'GET', $c)->{status}, 200, "and another ($round)";
}

# HEAD
my $get = ask($socket, 'GET', $poor);
my $head = ask($socket, 'HEAD', $poor);
is $head->{status}, 402, 'HEAD is refused as GET is';
is $head->{body}, '', 'without a body';
is $head->{headers}{'content-length'}, length $get->{body},
    'whose length it tells';
is $head->{headers}{'content-type'}, 'application/problem+json', 'and type';
is ask($socket, 'GET', $c)->{status}, 200, 'the connection goes on';
my $before = $t->avail($c);
is ask($socket, 'HEAD', $c)->{status}, 200, 'HEAD passes as GET does';
is $before - $t->avail($c), 10_000_000, 'at the same price';

# preflight
my $snapshot = snapshot($t, $c->{account});
my %preflight = ('Access-Control-Request-Method' => 'POST');
is ask($socket, 'OPTIONS', {}, undef, %preflight)->{status}, 200,
    'a preflight request passes without a key';
my $r = ask($socket, 'OPTIONS', $c, undef, %preflight);
is $r->{status}, 200, 'or with one';
is $r->{headers}{'tollgate-cost'}, undef, 'undecided';
is snapshot($t, $c->{account}), $snapshot, 'for nothing';
is ask($socket, 'OPTIONS', {})->{status}, 401,
    'OPTIONS without that header is a request like others';
is ask($socket, 'GET', {}, undef, %preflight)->{status}, 401,
    'and so is GET with it';

# Expect: 100-continue
print {$socket} "POST /x HTTP/1.1\r\nHost: l\r\nX-API-Key: bad\r\n"
    . "Expect: 100-continue\r\nContent-Length: 5\r\n\r\n";
$socket->flush;
is response($socket)->{status}, 401,
    'a client that waits with its body is told at once';
close $socket;

# half a body is no reason to wait
$socket = Tollgate::Http::open_socket("$t->{dir}/nginx.sock");
print {$socket} "POST /x HTTP/1.1\r\nHost: l\r\nX-API-Key: $poor->{key}\r\n"
    . "Content-Length: 100000\r\n\r\nhalf";
$socket->flush;
is response($socket)->{status}, 402,
    'who has sent half of a body is answered';
close $socket;

# HTTP/1.0
$socket = Tollgate::Http::open_socket("$t->{dir}/nginx.sock");
print {$socket} "GET /x HTTP/1.0\r\nX-API-Key: $poor->{key}\r\n\r\n";
$socket->flush;
$r = Tollgate::Http::read_response($socket);
is "$r->{status} $r->{json}{code}", '402 credits_exhausted',
    'HTTP/1.0 is answered, too';

# methods
is $t->call($c, $_, '/x')->{json}{method}, $_, "$_ is gated"
    for qw(GET POST PUT PATCH DELETE REPORT);
is $t->request($_, '/x', {})->{status}, 401, "$_ needs a key"
    for qw(GET POST PUT PATCH DELETE REPORT);

done_testing;
