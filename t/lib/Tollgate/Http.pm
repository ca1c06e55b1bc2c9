package Tollgate::Http;

# One HTTP/1.1 request over a unix socket or TCP, and its response taken apart.

use strict;
use warnings;

use IO::Socket::INET;
use IO::Socket::UNIX;
use JSON::PP;

our $timeout = 20;

# $to is the path of a unix socket or host:port.
sub open_socket {
    my ($to) = @_;

    my $socket = $to =~ m{^/}
        ? IO::Socket::UNIX->new(Peer => $to)
        : IO::Socket::INET->new(PeerAddr => $to);

    return $socket // die "connect to $to: $!\n";
}

sub format_request {
    my ($method, $path, $headers, $body) = @_;

    my %headers = (Host => 'localhost', Connection => 'close', %$headers);
    $headers{'Content-Length'} //= length $body if defined $body;

    my $out = "$method $path HTTP/1.1\r\n";
    for my $name (sort keys %headers) {
        next unless defined $headers{$name};
        my @values = ref $headers{$name} ? @{ $headers{$name} }
                                         : $headers{$name};
        $out .= "$name: $_\r\n" for @values;
    }

    return "$out\r\n" . ($body // '');
}

# { status, headers => { lower-case name => values joined by ", " }, body,
# json }; status 0 where the server closed without an answer.
sub request {
    my ($to, $method, $path, $headers, $body) = @_;

    my $socket = open_socket($to);
    local $SIG{PIPE} = 'IGNORE';
    print {$socket} format_request($method, $path, $headers // {}, $body);

    return read_response($socket, $method);
}

sub read_response {
    my ($socket, $method) = @_;

    my $text = '';
    eval {
        local $SIG{ALRM} = sub { die "no answer in $timeout s\n" };
        alarm $timeout;
        1 while sysread $socket, $text, 65536, length $text;
        alarm 0;
        1;
    } or do { alarm 0; die $@ };

    return parse($text, $method);
}

sub parse {
    my ($text) = @_;

    $text =~ s/\AHTTP\/1\.1 1\d\d .*?\r\n\r\n//s;
    my ($head, $body) = split /\r\n\r\n/, $text, 2;
    return { status => 0, headers => {}, body => '' } unless defined $head;

    my ($first, @lines) = split /\r\n/, $head;
    my ($status) = ($first // '') =~ m{^HTTP/1\.[01] (\d{3})};

    my %headers;
    for my $line (@lines) {
        my ($name, $value) = $line =~ /^([^:]+):\s*(.*)/ or next;
        $name = lc $name;
        $headers{$name} = exists $headers{$name}
            ? "$headers{$name}, $value" : $value;
    }

    $body //= '';
    $body = dechunk($body)
        if ($headers{'transfer-encoding'} // '') =~ /chunked/i;

    my $json = ($headers{'content-type'} // '') =~ /json/
        ? eval { JSON::PP->new->utf8->decode($body) } : undef;

    return { status => $status // 0, headers => \%headers, body => $body,
             json => $json };
}

sub dechunk {
    my ($body) = @_;

    my $out = '';
    while ($body =~ s/\A([0-9a-fA-F]+)[^\r\n]*\r\n//) {
        my $length = hex $1 or last;
        $out .= substr $body, 0, $length, '';
        $body =~ s/\A\r\n//;
    }

    return $out;
}

1;
