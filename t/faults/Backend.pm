package Backend;

# The backend of the gated routes: a process that answers as the arguments of the
# request say: status, delay (ms), how (drop: hang up without an answer; cut: in the
# middle of it), actual (credits, as X-Cost) and tokens (input, cached, output).

use strict;
use warnings;

use IO::Select;
use IO::Socket::UNIX;
use POSIX ();
use Time::HiRes ();

# Starts it below $t; its socket is backend.sock.
sub start {
    my ($t) = @_;

    my $path = "$t->{dir}/backend.sock";
    my $listener = IO::Socket::UNIX->new(Local => $path, Listen => 1024)
        or die "backend: $!\n";
    chmod 0777, $path;

    my $pid = fork // die "fork: $!\n";
    if ($pid == 0) {
        $SIG{PIPE} = 'IGNORE';
        serve($listener, getppid);
        POSIX::_exit(0);
    }

    return $t->{processes}{backend} = $pid;
}

# Until the process that started it is gone.
sub serve {
    my ($listener, $parent) = @_;

    my $select = IO::Select->new($listener);
    my (%text, %due);

    while (getppid == $parent) {
        for my $socket ($select->can_read(wait_s(values %due))) {
            if ($socket == $listener) {
                $select->add($listener->accept // next);
                next;
            }
            my $n = sysread $socket, $text{$socket}, 65536,
                length($text{$socket} //= '');
            if (!$n) {
                $select->remove($socket);
                delete $text{$socket};
                delete $due{$socket};
                close $socket;
            } elsif ($text{$socket} =~ /\r\n\r\n/ && !$due{$socket}) {
                my %arg = $text{$socket} =~ /[?&](\w+)=([^&\s]*)/g;
                $due{$socket} = { socket => $socket, arg => \%arg,
                    at => Time::HiRes::time() + ($arg{delay} // 0) / 1000 };
            }
        }

        my $now = Time::HiRes::time();
        for my $call (grep { $_->{at} <= $now } values %due) {
            my $socket = $call->{socket};
            delete $due{$socket};
            delete $text{$socket};
            $select->remove($socket);
            syswrite $socket, answer(%{ $call->{arg} });
            close $socket;
        }
    }

    return;
}

sub wait_s {
    my ($first) = sort { $a <=> $b } map { $_->{at} } @_;
    my $wait = defined $first ? $first - Time::HiRes::time() : 1;

    return $wait < 0 ? 0 : $wait > 1 ? 1 : $wait;
}

sub answer {
    my (%arg) = @_;

    my $how = $arg{how} // 'fine';
    return '' if $how eq 'drop';

    my $body = "{\"ok\":true}\n";
    if (defined $arg{tokens}) {
        my ($input, $cached, $output) = split /,/, $arg{tokens};
        $body = sprintf '{"object":"chat.completion","usage":{'
            . '"prompt_tokens":%d,"completion_tokens":%d,'
            . '"prompt_tokens_details":{"cached_tokens":%d}}}' . "\n",
            $input + $cached, $output, $cached;
    }
    my $text = join '', map { "$_\r\n" }
        'HTTP/1.0 ' . ($arg{status} // 200) . ' As asked',
        'Content-Type: application/json', 'Content-Length: ' . length $body,
        (defined $arg{actual} ? "X-Cost: $arg{actual}" : ()), '';
    $body = substr $body, 0, 4 if $how eq 'cut';

    return $text . $body;
}

1;
