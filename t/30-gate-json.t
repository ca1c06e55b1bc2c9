#!/usr/bin/perl
# What a request is about may stand in its JSON body: it is read before the
# decision, however it comes, and goes to the backend as it came.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Tollgate::Edge;

my $t = Tollgate::Edge->begin(http => <<'HTTP', conf => <<'CONF');
    tollgate_json $model model;
    tollgate_json $end_user metadata.user_id;
    tollgate_json $role messages.1.role;
    tollgate_json $size size;
    map $size $price { default 1; "1e3" 7; "" 3; }
    log_format told escape=json '$model|$end_user|$role|$size';
HTTP
        tollgate on;
        client_max_body_size 4m;
        client_body_buffer_size 8k;
        access_log %%DIR%%/told.log told;
        location / {
            tollgate_model app:$model;
            tollgate_user $end_user;
            tollgate_label $role;
            proxy_pass http://unix:%%DIR%%/hand.sock;
        }
        location /map {
            tollgate_cost $price;
            proxy_request_buffering off;
            proxy_pass http://unix:%%DIR%%/hand.sock;
        }
        location /plain {
            tollgate_feature image.generate;
            proxy_request_buffering off;
            proxy_pass http://unix:%%DIR%%/hand.sock;
        }
CONF
my $listener = $t->listener('hand');
$SIG{PIPE} = 'IGNORE';

sub begin {
    my ($customer, $path, $rest, $type) = @_;

    $type //= 'application/json';
    my $socket = Tollgate::Http::open_socket("$t->{dir}/nginx.sock");
    print {$socket} "POST $path HTTP/1.1\r\nHost: l\r\nConnection: close\r\n"
        . "X-API-Key: $customer->{key}\r\nContent-Type: $type\r\n$rest";
    $socket->flush;

    return $socket;
}

# Sends the pieces, each once the last has been read; what the backend got.
sub backend_got {
    my ($socket, @pieces) = @_;

    for my $piece (@pieces) {
        print {$socket} $piece;
        $socket->flush;
    }
    my $backend = $listener->accept or die "nobody came: $!\n";
    my ($got, $body) = ('');
    until (defined $body) {
        sysread $backend, $got, 65536, length $got or last;
        my ($head, $rest) = $got =~ /\A(.*?)\r\n\r\n(.*)\z/s or next;
        $body = $rest if $head =~ /^Content-Length: (\d+)/mi
            ? length $rest >= $1 : $head !~ /^Transfer-Encoding/mi
            || $rest =~ /(?:\A|\r\n)0\r\n\r\n\z/;
    }
    print {$backend} "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n";
    close $backend;
    is Tollgate::Http::read_response($socket)->{status}, 200, 'it passes';

    return $got =~ /^Transfer-Encoding/mi ? Tollgate::Http::dechunk($body)
                                          : $body;
}

sub counted { my ($body) = @_; return 'Content-Length: ' . length($body)
    . "\r\n\r\n" . $body }

sub chunks {
    my (@parts) = @_;
    return "Transfer-Encoding: chunked\r\n\r\n"
        . join('', map { sprintf "%x\r\n%s\r\n", length, $_ } @parts)
        . "0\r\n\r\n";
}

my $body = '{"messages": [{"role": "system"}, {"role": "user"}], '
    . '"model": "standard", "metadata": {"user_id": "u 1\u00e9"}, "size": 12.50}';
my $c = $t->customer(avail => 10_000);

is backend_got(begin($c, '/', counted($body))), $body,
    'a body is priced and goes on as it came';
my ($record) = $t->used($c->{account}, 1);
is join(' ', @$record{qw(verdict model credits user label)}),
    'pass app:standard 20000000 u%201%C3%A9 user',
    'model, user and label are those of the body';
$t->wait_for(sub { $t->slurp('told.log') =~ /\n/ }, 'the log');
is $t->slurp('told.log'), "standard|u 1\xc3\xa9|user|12.50\n",
    'a log can tell the fields';

is backend_got(begin($c, '/', chunks($body =~ /.{1,7}/gs))), $body,
    'the same in small chunks';
my $socket = begin($c, '/', 'Content-Length: ' . length($body) . "\r\n\r\n");
is backend_got($socket, split //, $body), $body, 'the same byte by byte';
my $big = '{"prompt": "' . '\"x\u00e9' x 200_000 . '", "model": "standard"}';
is backend_got(begin($c, '/', counted($big))), $big,
    'the same of a megabyte, through a file';
is_deeply [map { $_->{model} } $t->used($c->{account}, 4)],
    [('app:standard') x 4], 'all of the same price';
is $t->avail($c), 9920_000_000, 'each charged once';

# a body that isn't to be buffered, and a map between field and price
is backend_got(begin($c, '/map', chunks('{"size":', '1e', '3}'))), '{"size":1e3}',
    'a body that would not be buffered';
is backend_got(begin($c, '/map', counted('{"size": null}'))), '{"size": null}',
    'a field that is null';
is backend_got(begin($c, '/map', "Content-Length: 0\r\n\r\n")), '', 'no body';
is $t->avail($c), 9907_000_000, 'a map makes prices of them: 7, 3 and 3';
is backend_got(begin($c, '/plain', chunks('no', ' JSON'))), 'no JSON',
    'where nothing asks for a field no body is looked into';

# 100-continue: the body is asked for before it is decided
my $expect = "Expect: 100-continue\r\nContent-Length: 20\r\n\r\n";
$socket = begin($c, '/', $expect);
sysread $socket, my $text, 65536;
is $text, "HTTP/1.1 100 Continue\r\n\r\n", 'a body is asked for';
is backend_got($socket, '{"model":"standard"}'), '{"model":"standard"}',
    'and priced';
my $none = { key => 'x' };
is Tollgate::Http::read_response(begin($none, '/', $expect))->{status}, 401,
    'not so that of who has no key';

done_testing;
