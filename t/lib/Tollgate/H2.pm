package Tollgate::H2;

# An HTTP/2 client on one connection: it opens, resets and reads streams. Of
# response headers it decodes the status alone.

use strict;
use warnings;

use Tollgate::Http;

our %TYPE = (data => 0, headers => 1, rst_stream => 3, settings => 4,
             ping => 6, goaway => 7, window_update => 8);
my ($END_STREAM, $ACK, $END_HEADERS) = (1, 1, 4);

# The statuses of the static table that HPACK encodes in one byte.
my %indexed = (0x88 => 200, 0x89 => 204, 0x8a => 206, 0x8b => 304,
               0x8c => 400, 0x8d => 404, 0x8e => 500);

# $to as in Tollgate::Http; windows are as large as can be.
sub new {
    my ($class, $to) = @_;

    my $self = bless { socket => Tollgate::Http::open_socket($to), in => '',
                       next => 1, out => '', streams => {} }, $class;
    $self->{out} = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    $self->add('settings', 0, 0, pack 'nN', 4, 0x7fffffff);
    $self->add('window_update', 0, 0, pack 'N', 0x7fff0000);

    return $self;
}

# Appends a frame to what the next flush sends.
sub add {
    my ($self, $type, $flags, $stream, $payload) = @_;

    $self->{out} .= substr(pack('N', length $payload), 1)
        . pack('CCN', $TYPE{$type}, $flags, $stream) . $payload;

    return;
}

sub flush {
    my ($self) = @_;

    local $SIG{PIPE} = 'IGNORE';
    my $out = $self->{out};
    $self->{out} = '';
    while (length $out) {
        my $sent = syswrite $self->{socket}, $out;
        last unless $sent;
        substr $out, 0, $sent, '';
    }

    return;
}

sub literal {
    my ($text) = @_;

    my $length = length $text;
    my $prefix = $length < 127 ? chr $length
        : chr(127) . ($length - 127 < 128 ? chr($length - 127)
                      : die "too long: $text\n");

    return $prefix . $text;
}

# Opens a stream; with a body of undef it ends there, else more data may follow
# if $more is true.  Sent by the next flush.
sub open_stream {
    my ($self, $method, $path, $headers, $body, $more) = @_;

    my $id = $self->{next};
    $self->{next} += 2;
    $self->{streams}{$id} = { id => $id, status => 0, body => '', frames => 0 };

    my @fields = (':method' => $method, ':scheme' => 'http', ':path' => $path,
                  ':authority' => 'localhost',
                  map { lc, $headers->{$_} } sort keys %$headers);
    my $block = '';
    while (my ($name, $value) = splice @fields, 0, 2) {
        $block .= "\0" . literal($name) . literal($value);
    }
    $self->add('headers', $END_HEADERS | (defined $body ? 0 : $END_STREAM),
               $id, $block);
    $self->add('data', $more ? 0 : $END_STREAM, $id, $body) if defined $body;

    return $id;
}

sub reset_stream {
    my ($self, $id, $code) = @_;

    $self->add('rst_stream', 0, $id, pack 'N', $code // 8);

    return;
}

# Sends what is due and reads until the condition holds; false where the server
# hung up before.
sub read_until {
    my ($self, $condition) = @_;

    $self->flush;
    local $SIG{ALRM} = sub { die "no answer over HTTP/2\n" };
    alarm $Tollgate::Http::timeout;
    until ($condition->()) {
        my $got = sysread $self->{socket}, $self->{in}, 65536,
            length $self->{in};
        $self->take if $got;
        $self->flush;
        last unless $got;
    }
    alarm 0;

    return $condition->();
}

# The stream, once it has ended or was reset.
sub answer {
    my ($self, $id) = @_;

    my $stream = $self->{streams}{$id};
    $self->read_until(sub { $stream->{end} });

    return $stream;
}

sub get {
    my ($self, $path, %headers) = @_;

    return $self->answer($self->open_stream('GET', $path, \%headers));
}

# Takes whole frames out of what was read.
sub take {
    my ($self) = @_;

    while (length $self->{in} >= 9) {
        my $length = unpack 'N', "\0" . substr $self->{in}, 0, 3;
        last if length $self->{in} < 9 + $length;
        my ($type, $flags, $id) = unpack 'CCN', substr $self->{in}, 3, 6;
        my $payload = substr $self->{in}, 9, $length;
        substr $self->{in}, 0, 9 + $length, '';
        $self->frame($type, $flags, $self->{streams}{$id} // {}, $payload);
    }

    return;
}

sub frame {
    my ($self, $type, $flags, $stream, $payload) = @_;

    $self->add('settings', $ACK, 0, '')
        if $type == $TYPE{settings} && !($flags & $ACK);
    $self->add('ping', $ACK, 0, $payload)
        if $type == $TYPE{ping} && !($flags & $ACK);
    $self->{goaway} = 1 if $type == $TYPE{goaway};
    $stream->{end} = $stream->{reset} = 1 if $type == $TYPE{rst_stream};
    return if $type != $TYPE{data} && $type != $TYPE{headers};

    $stream->{frames}++;
    $stream->{body} .= $payload if $type == $TYPE{data};
    $stream->{trailers} = 1 if $type == $TYPE{headers} && $stream->{status};
    $stream->{status} ||= status($payload) if $type == $TYPE{headers};
    $stream->{end} = 1 if $flags & $END_STREAM;

    return;
}

# nginx begins with the status, maybe after a new size of the table.
sub status {
    my ($block) = @_;

    $block =~ s/\A\x20//;
    my $first = ord $block;

    return $indexed{$first} // ($block =~ /\A[\x08\x48]\x03(\d{3})/)[0] // 0;
}

1;
