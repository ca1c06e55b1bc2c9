#!/usr/bin/perl
# A body that the price depends on, on other ways through nginx: streams of
# HTTP/2, pipelined requests, redirects, and a body that was read before.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Tollgate::Edge;
use Tollgate::Gate;
use Tollgate::H2;

my $t = Tollgate::Edge->begin(http => <<'HTTP', conf => <<'CONF');
    tollgate_json $model model;
    server {
        listen unix:%%DIR%%/nginx-two.sock http2;
        client_body_timeout 500ms;
        location / {
            tollgate on;
            tollgate_model app:$model;
            proxy_pass http://backend;
        }
    }
    server {
        listen unix:%%DIR%%/nginx-accel.sock;
        location / {
            add_header X-Accel-Redirect /after;
            return 200;
        }
    }
HTTP
        client_body_buffer_size 1k;
        client_max_body_size 4m;
        location / {
            tollgate on;
            tollgate_model app:$model;
            mirror /mirror;
            proxy_pass http://backend;
        }
        location /mirror { internal; proxy_pass http://unix:%%DIR%%/hand.sock; }
        location /before {
            proxy_pass http://unix:%%DIR%%/nginx-accel.sock;
        }
        location /after {
            tollgate on;
            tollgate_model app:$model;
            proxy_pass http://backend;
        }
        location /named {
            tollgate on;
            tollgate_model app:$model;
            error_page 404 = @other;
            proxy_intercept_errors on;
            proxy_pass http://backend/?status=404;
        }
        location @other {
            tollgate on;
            tollgate_model app:$model;
            add_header X-Model $model;
            proxy_pass http://backend;
        }
CONF
my $listener = $t->listener('hand');
$SIG{PIPE} = 'IGNORE';
my $type = 'application/json';
my $body = '{"model":"standard","prompt":"%s"}';

sub post {
    my ($c, $path, $text) = @_;

    return $t->request('POST', $path, { 'X-API-Key' => $c->{key},
        'Content-Type' => $type }, $text);
}

# the mirror gets the whole body too, in memory or in a file
for my $size (10, 100_000) {
    my $c = $t->customer(avail => 100);
    my $text = sprintf $body, 'x' x $size;
    my $socket = $t->send_request($c, 'POST', '/', 'Content-Type' => $type,
                                  'Content-Length' => length $text);
    print {$socket} $text;
    $socket->flush;
    my ($mirror, $head) = $t->accepted($listener);
    like $head, qr/^Content-Length: @{[length $text]}\r$/m,
        "a mirror gets a body of $size";
    close $mirror;
    is Tollgate::Http::read_response($socket)->{status}, 200, 'and the backend';
    is tally($t, $c, 1), '1 charged, 0 refunded, 80 left', 'charged once';

    # another location has read it, with the gate off
    my $d = $t->customer(avail => 100);
    my $answer = post($d, '/before', $text);
    is $answer->{status}, 200, 'a body that was read before';
    is tally($t, $d, 1), '1 charged, 0 refunded, 80 left', 'is priced the same';
    is post($d, '/before', $text . '}')->{status}, 400, 'and refused the same';
}

# what an internal redirect comes to has the fields, and no second price
my $n = $t->customer(avail => 100);
my $named = post($n, '/named', sprintf $body, '');
is "$named->{status} $named->{headers}{'x-model'}", '200 standard',
    'a named location knows the field';
is tally($t, $n, 1), '1 charged, 0 refunded, 80 left', 'and charges nothing more';

# pipelined: the next request begins where the body ends
my $p = $t->customer(avail => 50);
my $socket = Tollgate::Http::open_socket("$t->{dir}/nginx.sock");
for my $n (1 .. 3) {
    print {$socket} Tollgate::Http::format_request('POST', "/after?$n",
        { 'X-API-Key' => $p->{key}, 'Content-Type' => $type,
          Connection => $n == 3 ? 'close' : 'keep-alive' }, sprintf $body, $n);
}
$socket->flush;
my $all = '';
1 while sysread $socket, $all, 65536, length $all;
is join(' ', $all =~ m{^HTTP/1\.1 (\d+)}mg), '200 200 402',
    'pipelined requests are decided one after the other';
is tally($t, $p, 3), '2 charged, 0 refunded, 10 left', 'each once';

# HTTP/2: streams whose bodies come in turns, one of which never ends
my $h = $t->customer(avail => 1000);
my $h2 = Tollgate::H2->new("$t->{dir}/nginx-two.sock");
my %fields = ('x-api-key' => $h->{key}, 'content-type' => $type);
my @streams = map { $h2->open_stream('POST', "/?$_", \%fields, '', 1) } 1 .. 3;
for my $part (unpack '(a50)*', sprintf $body, 'y' x 200) {
    $h2->add('data', 0, $_, $part) for @streams;
    $h2->flush;
}
$h2->add('data', 1, $_, '') for @streams[0, 1];
is $h2->answer($_)->{status}, 200, 'a stream passes' for @streams[0, 1];
$h2->reset_stream($streams[2]);
$h2->flush;
$t->wait_for(sub { grep { $_->{verdict} eq 'client_gone' } $t->usage('-') },
             'the record of a stream that was reset');
is tally($t, $h, 2), '2 charged, 0 refunded, 960 left',
    'streams are charged once, and one that was reset within its body never';

done_testing;
