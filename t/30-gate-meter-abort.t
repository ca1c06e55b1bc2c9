#!/usr/bin/perl
# A client that leaves before the response has told what it used: it counts
# what was delivered, or is read to its end, as on_abort says.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Tollgate::Edge;
use Tollgate::Gate;
use Tollgate::H2;

push @Tollgate::Edge::CATALOG, 'tokens app:standard 1000000 1000000 1000000';

my $locations = join '', "access_log %%DIR%%/meter.log meter;\n", map {
    my ($on, $off) = ("tollgate_meter auto on_abort=$_;",
                      'proxy_buffering off;');
    "location /$_/ { $on proxy_pass http://unix:%%DIR%%/hand.sock; }
     location /$_/now/ { $on $off proxy_pass http://unix:%%DIR%%/hand.sock; }
     location /$_/gzip/ { $on gzip on; gzip_types *; $off
                          proxy_pass http://unix:%%DIR%%/hand.sock; }\n"
} qw(estimate drain hold);
my $t = Tollgate::Edge->begin(conf => $locations, http => <<"HTTP");
    log_format meter '\$uri \$status \$tollgate_metered \$tollgate_tokens_input '
        '\$tollgate_tokens_cached \$tollgate_tokens_output';
    tollgate on;
    tollgate_model app:standard;
    server {
        listen unix:%%DIR%%/nginx-h2.sock http2;
        $locations
    }
HTTP
my $listener = $t->listener('hand');
$SIG{PIPE} = 'IGNORE';

my $head = "HTTP/1.0 200 OK\r\nContent-Type: text/event-stream\r\n\r\n";
my %stream = (
    chat => ['data: {"choices":[{"delta":{"content":"Hello w\u00f6rld"}}]}',
             'data: {"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":7}}'],
    messages => ['data: {"type":"message_start","message":{"usage":'
        . '{"input_tokens":5,"cache_read_input_tokens":2,"output_tokens":1}}}'
        . "\n\n" . 'data: {"delta":{"type":"text_delta","text":"Hello"}}',
        'data: {"type":"message_delta","usage":{"output_tokens":7}}'],
);
my $customer;

sub metered {
    my ($path) = @_;

    my $line;
    $t->wait_for(sub {
        ($line) = $t->slurp("$t->{dir}/meter.log") =~ m{^\Q$path\E (.*)$}m;
    }, "the line of $path");

    return $line;
}

# The client leaves in the middle; then the backend sends a lot and the usage.
sub leave {
    my ($path, $name, %opt) = @_;

    my ($first, $last) = @{ $stream{$name} };
    $customer = $t->customer(avail => 100);
    my ($socket, $id);
    if ($opt{h2}) {
        $socket = Tollgate::H2->new("$t->{dir}/nginx-h2.sock");
        $id = $socket->open_stream('GET', $path,
                                   { 'x-api-key' => $customer->{key} });
        $socket->flush;
    } else {
        $socket = $t->send_request($customer, 'POST', $path,
            'Content-Length' => 10, 'Accept-Encoding' => 'gzip');
        print {$socket} 'x' x 10;
        $socket->flush;
    }

    # enough for buffers to be passed on
    my ($backend) = $t->accepted($listener);
    my $filler = ': ' . 'x' x 1000 . "\n";
    syswrite $backend, "$head$first\n\n" . $filler x 50;
    if ($opt{h2}) {
        $socket->read_until(sub { length $socket->{streams}{$id}{body} });
        $socket->reset_stream($id);
        $socket->flush;
    } else {
        sysread $socket, my $some, 1 or die "nothing came\n";
        close $socket;
    }

    my $rest = $filler x ($opt{filler} // 300) . "\n$last\n\n";
    while (length $rest) {
        my $n = syswrite $backend, $rest or last;
        substr $rest, 0, $n, '';
    }
    close $backend;

    return metered($path);
}

my $n = 0;
for my $row (
    ['estimate/', 'chat', '200 estimate 3 0 3'],
    ['estimate/now/', 'chat', '200 estimate 3 0 3'],
    ['estimate/now/', 'messages', '200 estimate 5 2 2'],
    ['hold/now/', 'messages', '200 missing - - -'],
    ['drain/', 'chat', '200 usage 9 0 7'],
    ['drain/now/', 'chat', '200 usage 9 0 7'],
    ['drain/now/', 'messages', '200 usage 5 2 7'],
    ['drain/gzip/', 'messages', '200 usage 5 2 7'],
    ['drain/now/', 'chat', '200 usage 9 0 7', h2 => 1],
    ['drain/', 'messages', '200 usage 5 2 7', h2 => 1],
    ['drain/', 'chat', '200 usage 9 0 7', filler => 5000],
    ['drain/now/', 'chat', '200 usage 9 0 7', filler => 5000],
) {
    my ($path, $name, $want, %opt) = @$row;
    $path = "/$path" . ++$n;
    is leave($path, $name, %opt), $want, join ' ', "$path $name", %opt;
    is $t->avail($customer), 80_000_000, 'and it is charged once';
}

# before the response has begun; a backend that dies within it
$customer = $t->customer(avail => 100);
my $socket = $t->send_request($customer, 'POST', '/drain/early',
                              'Content-Length' => 9);
print {$socket} 'x' x 9;
$socket->flush;
my ($backend) = $t->accepted($listener);
close $socket;
is metered('/drain/early'), '499 estimate 3 0 0',
    'before it has begun only the request counts';

$socket = $t->send_request($customer, 'GET', '/estimate/died');
($backend) = $t->accepted($listener);
syswrite $backend, $head =~ s/\r\n\r\n/\r\nContent-Length: 9999\r\n\r\n/r
    . "$stream{chat}[0]\n\n";
close $backend;
is metered('/estimate/died'), '200 estimate 0 0 3',
    'a backend that dies counts what came of it';

is $t->get('/estimate/x')->{status}, 401, 'the gate goes on';
unlike $t->error_log, qr/\[(?:alert|emerg)\]/, 'without an alert';

done_testing;
