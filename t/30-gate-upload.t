#!/usr/bin/perl
# Uploads: a large body costs as much as a small one, whether nginx buffers it
# or not; one that never comes whole costs nothing unless a backend had begun
# with it.

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
        client_max_body_size 60m;
        client_body_timeout 500ms;
        lingering_close off;
        lingering_timeout 200ms;
        location /buffered { proxy_pass http://unix:%%DIR%%/hand.sock; }
        location /streamed {
            proxy_request_buffering off;
            proxy_http_version 1.1;
            proxy_pass http://unix:%%DIR%%/hand.sock;
        }
        location /early {
            proxy_request_buffering off;
            proxy_pass http://backend;
        }
CONF
my $listener = $t->listener('hand');
$SIG{PIPE} = 'IGNORE';
my $megabytes = 50;
my ($once, $back) = ('1 charged, 0 refunded, 90 left',
                     '1 charged, 1 refunded, 100 left');

# Sends a head and a body of so many megabytes in another process.
sub upload {
    my ($customer, $path) = @_;

    my $socket = Tollgate::Http::open_socket("$t->{dir}/nginx.sock");
    my $pid = fork // die "fork: $!\n";
    return ($pid, $socket) if $pid;

    my $length = $megabytes << 20;
    print {$socket} "PUT $path HTTP/1.1\r\nHost: l\r\nConnection: close\r\n"
        . "X-API-Key: $customer->{key}\r\nContent-Length: $length\r\n\r\n";
    print {$socket} 'x' x (1 << 20) for 1 .. $megabytes;
    $socket->flush;
    POSIX::_exit(0);
}

# The head of a request and the beginning of its body.
sub begin {
    my ($customer, $path, $rest) = @_;

    my $socket = Tollgate::Http::open_socket("$t->{dir}/nginx.sock");
    print {$socket} "PUT $path HTTP/1.1\r\nHost: l\r\nConnection: close\r\n"
        . "X-API-Key: $customer->{key}\r\n$rest";
    $socket->flush;

    return $socket;
}

my @done;

for my $path ('/buffered', '/streamed') {
    my $c = $t->customer(avail => 100);
    my ($pid, $socket) = upload($c, $path);
    my ($backend, $head) = $t->accepted($listener);
    is $t->avail($c), 90_000_000, "$path: charged before the backend has it";
    like $head, qr/^Content-Length: @{[$megabytes << 20]}\r$/m,
        "$path: $megabytes MB reach the backend";
    print {$backend} "HTTP/1.0 201 Created\r\nContent-Length: 0\r\n\r\n";
    close $backend;
    is Tollgate::Http::read_response($socket)->{status}, 201,
        "$path: and are answered";
    waitpid $pid, 0;
    push @done, [$c, $once, "$path of $megabytes MB"];
}

# what is refused is refused before its body
my $poor = $t->customer;
my ($pid, $socket) = upload($poor, '/streamed');
is Tollgate::Http::read_response($socket)->{status}, 402,
    'an upload of who has no credits is refused';
close $socket;
waitpid $pid, 0;
push @done, [$poor, '0 charged, 0 refunded, 0 left', 'a refused upload'];

# a client that leaves in the middle of its body
for my $row (['/buffered', $back], ['/streamed', $once]) {
    my ($path, $want) = @$row;

    my $c = $t->customer(avail => 100);
    my $socket = begin($c, $path, "Content-Length: 100\r\n\r\nhalf");
    $t->wait_for(sub { $t->avail($c) == 90_000_000 }, 'the charge');
    my $backend = $listener->accept if $path eq '/streamed';
    close $socket;
    push @done, [$c, $want, "$path: a client that leaves within its body"];
}

# a backend that answers without its body, and a body that then never comes
my $early = $t->customer(avail => 100);
is Tollgate::Http::read_response(
    begin($early, '/early', "Content-Length: 100\r\n\r\nhalf"))->{status}, 200,
    'a backend may answer before it has the body';
push @done, [$early, $once, 'an answer ahead of the body'];

# Expect: 100-continue
my $expect = "Expect: 100-continue\r\nContent-Length: 4\r\n\r\n";
for my $path ('/buffered', '/streamed') {
    my $c = $t->customer(avail => 100);
    my $socket = begin($c, $path, $expect);
    my $text = '';
    sysread $socket, $text, 65536, length $text until $text =~ /\r\n\r\n/;
    is $text, "HTTP/1.1 100 Continue\r\n\r\n", "$path: the body is asked for";
    syswrite $socket, 'body';
    my ($backend) = $t->accepted($listener);
    print {$backend} "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n";
    close $backend;
    is Tollgate::Http::read_response($socket)->{status}, 200,
        "$path: and then answered";
    push @done, [$c, $once, "$path: 100-continue"];
}
my $silent = $t->customer(avail => 100);
like Tollgate::Http::read_response(begin($silent, '/buffered', $expect))
    ->{status}, qr/^(?:408|0)$/, 'a body that was asked for and never comes';
push @done, [$silent, $back, 'is given back'];
$socket = begin($poor, '/buffered', $expect);
is Tollgate::Http::read_response($socket)->{status}, 402,
    'who is refused is not asked for a body';

is tally($t, $_->[0], 1), $_->[1], "$_->[2]: $_->[1]" for @done;

done_testing;
