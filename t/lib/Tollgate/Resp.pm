package Tollgate::Resp;

# A Redis connection: one command at a time, RESP2, core Perl only.

use strict;
use warnings;

use IO::Socket::UNIX;

sub new {
    my ($class, $path) = @_;

    my $socket = IO::Socket::UNIX->new(Peer => $path)
        or die "redis at $path: $!\n";

    return bless { socket => $socket }, $class;
}

# The reply of one command: a scalar, an array ref, undef for nil, and a
# reference to the text for an error reply.
sub command {
    my ($self, @words) = @_;

    my $out = '*' . @words . "\r\n";
    for my $word (@words) {
        my $bytes = "$word";
        utf8::encode($bytes) if utf8::is_utf8($bytes);
        $out .= '$' . length($bytes) . "\r\n$bytes\r\n";
    }

    $self->{socket}->syswrite($out) // die "redis: $!\n";

    return $self->_reply;
}

sub _reply {
    my ($self) = @_;

    my $line = $self->_line;
    my $type = substr $line, 0, 1, '';

    return $line if $type eq '+' || $type eq ':';
    return \"$line" if $type eq '-';

    if ($type eq '$') {
        return undef if $line < 0;
        my $bytes = $self->_bytes($line + 2);
        return substr $bytes, 0, $line;
    }

    if ($type eq '*') {
        return undef if $line < 0;
        return [map { $self->_reply } 1 .. $line];
    }

    die "redis: unexpected reply \"$type$line\"\n";
}

sub _line {
    my ($self) = @_;

    my $line = readline $self->{socket};
    die "redis closed the connection\n" unless defined $line;
    $line =~ s/\r\n\z//;

    return $line;
}

sub _bytes {
    my ($self, $length) = @_;

    my $bytes;
    my $got = read $self->{socket}, $bytes, $length;
    die "redis closed the connection\n"
        unless defined $got && $got == $length;

    return $bytes;
}

1;
