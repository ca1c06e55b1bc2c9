package Client;

# The customers and the operator: many requests at once, each with what became of it
# as they saw it.  A request is { to, method, path, headers, body, leave }, and when
# it is over { fate, answer, began, ended }; the fate is
#   answered  the whole answer came
#   lost      none came, or not all of it, or the client left: it may have passed
#   refused   nobody took it

use strict;
use warnings;

use IO::Select;
use Time::HiRes ();

use Tollgate::Http;

my $PATIENCE_S = 10;

sub new {
    my ($class) = @_;

    return bless { select => IO::Select->new, flying => {} }, $class;
}

sub flying { return scalar keys %{ $_[0]{flying} } }

# Sends it; $done is called with it when it is over.
sub send {
    my ($self, $request, $done) = @_;

    local $SIG{PIPE} = 'IGNORE';
    $request->{began} = Time::HiRes::time();
    my $socket = IO::Socket::UNIX->new(Peer => $request->{to});
    my $text = Tollgate::Http::format_request(
        @$request{qw(method path headers body)});
    if (!$socket || !defined syswrite $socket, $text) {
        @$request{qw(fate ended)} = ('refused', $request->{began});
        $done->($request);
        return;
    }

    $socket->blocking(0);
    $self->{select}->add($socket);
    $self->{flying}{$socket} = { socket => $socket, request => $request,
        text => '', done => $done,
        until => $request->{began}
            + (defined $request->{leave} ? $request->{leave} : $PATIENCE_S) };

    return;
}

# Takes what has come, and waits at most so long for it.
sub turn {
    my ($self, $seconds) = @_;

    for my $socket ($self->{select}->can_read($seconds)) {
        my $flight = $self->{flying}{$socket};
        my $n = sysread $socket, $flight->{text}, 65536,
            length $flight->{text};
        next if !defined $n && $!{EAGAIN};
        $self->over($flight) if !$n;
    }

    my $now = Time::HiRes::time();
    $self->over($_, 'lost')
        for grep { $_->{until} < $now } values %{ $self->{flying} };

    return;
}

sub over {
    my ($self, $flight, $fate) = @_;

    my ($socket, $request) = @$flight{qw(socket request)};
    delete $self->{flying}{$socket};
    $self->{select}->remove($socket);
    close $socket;

    $fate //= is_whole($flight->{text}) ? 'answered' : 'lost';
    $request->{fate} = $fate;
    $request->{answer} = Tollgate::Http::parse($flight->{text})
        if $fate eq 'answered';
    $request->{ended} = Time::HiRes::time();
    $flight->{done}->($request);

    return;
}

sub is_whole {
    my ($text) = @_;

    my ($head, $body) = split /\r\n\r\n/, $text, 2;
    return 0 unless defined $body;
    return $body =~ /(?:^|\r\n)0\r\n\r\n\z/
        if $head =~ /^transfer-encoding:\s*chunked/im;
    return length $body == $1 if $head =~ /^content-length:\s*(\d+)/im;

    return $head =~ m{^HTTP/1.1 (?:204|304)};
}

1;
