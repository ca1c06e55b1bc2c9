package Tollgate::Stream;

# Streams of events behind a gate that holds credits for them: a credit for each
# token of output, with a backend that the test plays.

use strict;
use warnings;

use Exporter 'import';
use Tollgate::Edge;
use Tollgate::Hold;

our @EXPORT = qw($start begin stream tokens usage_told feed refused rest fields
    held settled);

our $start = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
    . "X-Accel-Buffering: no\r\n\r\n";

my ($t, $listener);

# Locations are rows of a path and what tollgate_hold says of 10 credits there.
sub begin {
    my (@rows) = @_;

    $SIG{PIPE} = 'IGNORE';
    push @Tollgate::Edge::CATALOG, 'tokens app:standard 0 0 1000000000000';
    my $locations = join '', map {
        "location $_->[0] { tollgate_hold 10 $_->[1];
                            proxy_pass http://unix:%%DIR%%/hand.sock; }\n"
    } @rows;
    $t = Tollgate::Edge->begin(conf => $locations, http => <<"HTTP");
    tollgate on;
    tollgate_model app:standard;
    tollgate_meter auto;
    tollgate_timeout 300ms;
    server { listen unix:%%DIR%%/nginx-h2.sock http2; $locations }
HTTP
    $listener = $t->listener('hand');

    return ($t, $listener);
}

# A stream that runs: the client's socket and the backend's.
sub stream {
    my ($c, $path, %headers) = @_;

    my $socket = $t->send_request($c, 'GET', $path, %headers);
    my ($backend) = $t->accepted($listener);
    feed($backend, $start);

    return ($socket, $backend);
}

sub feed { return syswrite $_[0], $_[1] }

# An event with so many tokens of text, and one that tells usage.
sub tokens {
    return 'data: {"choices":[{"delta":{"content":"' . 'x' x (4 * $_[0])
        . qq("}}]}\n\n);
}

sub usage_told {
    return 'data: {"choices":[],"usage":{"prompt_tokens":9,'
        . qq("completion_tokens":$_[0]}}\n\ndata: [DONE]\n\n);
}

# Has the backend send what the gate asks Redis about, and waits until the gate
# has the answer: it has one connection, whose answers come in their order.
sub refused {
    my ($backend, $text) = @_;

    my $calls = $t->calls_of('evalsha');
    feed($backend, $text);
    $t->wait_for(sub { $t->calls_of('evalsha') > $calls }, 'a question');
    $t->via('probe', 'GET', '/',
            { 'X-API-Key' => Tollgate::make_key('ReadyProbe', '0' x 32) });

    return;
}

# The text that the client gets until its connection ends, whether that is the
# end of the response, and the head.
sub rest {
    my ($socket) = @_;

    local $SIG{ALRM} = sub { die "the response doesn't end\n" };
    alarm 40;
    my $text = '';
    1 while sysread $socket, $text, 65536, length $text;
    alarm 0;

    my ($head, $body) = split /\r\n\r\n/, $text, 2;
    my ($out, $ended) = ('', 0);
    while ($body =~ s/\A([0-9a-f]+)\r\n//i) {
        my $n = hex $1 or do { $ended = 1; last };
        $out .= substr $body, 0, $n, '';
        $body =~ s/\A\r\n//;
    }

    return ($out, $ended, $head);
}

# Credits: what is available and held.
sub fields {
    return join ' ', map { $_ / 1e6 }
        split ' ', wallet_fields($t, $_[0]{account}, qw(avail held));
}

sub held { return (split ' ', fields($_[0]))[1] }

sub settled {
    my ($c, $want) = @_;

    $t->wait_for(sub { fields($c) eq $want }, $want);

    return fields($c);
}

1;
