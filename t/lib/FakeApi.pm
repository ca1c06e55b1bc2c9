package FakeApi;

# An API on a unix socket and on a port that answers what a test tells it, and remembers
# what it was asked.

use strict;
use warnings;

use IO::Select;
use IO::Socket::INET;
use IO::Socket::UNIX;
use JSON::PP;
use POSIX ();

# Answers are keyed by "METHOD path?query": [status, body], where the body is
# a structure, text as it is, or undef to hang up without a word.  'silent'
# in place of the status: the request is read and never answered.
sub new {
    my ($class, $t, %answers) = @_;

    my $self = bless { socket => "$t->{dir}/fake.sock", t => $t,
                       log => "$t->{dir}/fake.requests" }, $class;
    unlink $self->{socket};
    my $unix = IO::Socket::UNIX->new(Local => $self->{socket}, Listen => 16)
        or die "listen: $!\n";
    my $port = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 16)
        or die "listen: $!\n";
    $self->{url} = 'http://127.0.0.1:' . $port->sockport;

    my $pid = fork // die "fork: $!\n";
    if ($pid == 0) {
        $SIG{TERM} = 'DEFAULT';
        $self->serve(IO::Select->new($unix, $port), \%answers);
        POSIX::_exit(0);
    }
    $t->{processes}{fake} = $pid;

    return $self;
}

sub serve {
    my ($self, $select, $answers) = @_;

    my @silent;
    while (1) {
        my ($ready) = $select->can_read or next;
        my $client = $ready->accept or next;
        my $request = read_request($client) or next;
        my $answer = $answers->{"$request->{method} $request->{target}"};
        my ($status, $body) = $answer ? @$answer
            : (404, { code => 'route_not_found', detail => 'no such route' });

        $self->remember($request);
        if ($status eq 'silent') {
            push @silent, $client;
            next;
        }
        next unless defined $body;
        $body = JSON::PP->new->utf8->encode($body) if ref $body;
        print {$client} "HTTP/1.1 $status Status\r\nConnection: close\r\n"
            . "Content-Type: application/json\r\nContent-Length: "
            . length($body) . "\r\n\r\n$body";
        close $client;
    }
}

sub read_request {
    my ($client) = @_;

    my $text = '';
    until ($text =~ /\r\n\r\n/) {
        sysread $client, $text, 65536, length $text or return;
    }
    my ($head, $body) = split /\r\n\r\n/, $text, 2;
    my ($length) = $head =~ /^Content-Length: (\d+)/mi;
    while (length $body < ($length // 0)) {
        sysread $client, $body, 65536, length $body or return;
    }
    my ($method, $target) = split / /, $head;
    my %headers = map { /^([^:]+):\s*(.*)/ ? (lc $1 => $2) : () }
        split /\r\n/, $head;

    return { method => $method, target => $target, headers => \%headers,
             body => $body };
}

sub remember {
    my ($self, $request) = @_;

    open my $log, '>>', $self->{log} or die "$self->{log}: $!\n";
    syswrite $log, JSON::PP->new->ascii->encode($request) . "\n";
    close $log;

    return;
}

# The requests so far, oldest first; forgets them.
sub requests {
    my ($self) = @_;

    my @requests = map { JSON::PP->new->decode($_) }
        split /\n/, $self->{t}->slurp($self->{log});
    unlink $self->{log};
    for my $request (@requests) {
        $request->{json} = eval { decode_json($request->{body}) };
    }

    return @requests;
}

1;
