package Cli;

# Runs the command line tool as a user would, and returns what it said.

use strict;
use warnings;

use JSON::PP;
use Tollgate;

sub new {
    my ($class, $t, $socket) = @_;

    return bless { t => $t, socket => $socket, stdin => '/dev/null' }, $class;
}

# { status, out, err, json } of `tollgate @words`; $self->{stdin} is its input,
# $self->{env} what differs from an empty environment.
sub run {
    my ($self, @words) = @_;

    my ($out, $err) = map { "$self->{t}{dir}/cli.$_" } qw(out err);
    my $pid = fork // die "fork: $!\n";
    if ($pid == 0) {
        %ENV = (PATH => $ENV{PATH}, TOLLGATE_SOCKET => $self->{socket},
                %{ $self->{env} // {} });
        open STDIN, '<', $self->{stdin};
        open STDOUT, '>', $out;
        open STDERR, '>', $err;
        exec "$Tollgate::build/tollgate", @words or POSIX::_exit(127);
    }
    waitpid $pid, 0;
    my %result = (status => $? & 127 ? 128 + ($? & 127) : $? >> 8,
                  out => $self->{t}->slurp($out),
                  err => $self->{t}->slurp($err));
    $result{json} = eval { decode_json($result{out}) };

    return \%result;
}

1;
