package Tollgate::FlawedRedis;

# A real Redis with flaws: what a test tells it to refuse is refused, and all
# else is the server's behind it.

use strict;
use warnings;

use parent 'Tollgate::FakeRedis';

use Digest::SHA ();
use IO::Socket::UNIX;
use Tollgate::FakeRedis;
use Tollgate::Resp;

# For the test $t, whose Redis runs; $self->{address} is what to connect to.
sub start {
    my ($class, $t) = @_;

    my $self = $class->SUPER::start($t, 'flawed');
    $self->{told} = Tollgate::Resp->new("$t->{dir}/flawed.sock");

    return $self;
}

# Of the calls of a command that are to come, lets some pass and answers as many
# as wanted with the bytes, unseen by the server; a script is named as its file.  "LOSE" in place of the bytes
# lets the server see it and hangs up; "CLOSE" just hangs up.
sub flaw {
    my ($self, $command, $pass, $count, $bytes) = @_;

    $self->{told}->command('FLAW', $command, $pass, $count, $bytes);

    return;
}

# How many of those are still to come.
sub left { return $_[0]{told}->command('FLAWS') }

sub reply {
    my ($self, @words) = @_;

    my $name = lc $words[0];
    $name = 'script ' . $words[1] if $name eq 'evalsha' && $self->{flaw}{sha};
    if ($name eq 'flaw') {
        my $text = $self->{t}->script_text($words[1]);
        my $sha = $text && Digest::SHA::sha1_hex($text);

        $self->{flaw} = { command => $sha ? "script $sha" : lc $words[1],
                          sha => $sha, pass => $words[2],
                          count => $words[3], bytes => $words[4] };
        return ($name, "+OK\r\n");
    }

    my $flaw = $self->{flaw} // {};
    return ($name, ':' . ($flaw->{count} // 0) . "\r\n")
        if $name eq 'flaws';
    return ($name, $self->forward(@words))
        unless $flaw->{count} && $name eq $flaw->{command}
            && $flaw->{pass}-- <= 0;

    $flaw->{count}--;
    return ($name, $flaw->{bytes}) if $flaw->{bytes} ne 'LOSE';
    $self->forward(@words);
    return ($name, 'CLOSE');
}

# The bytes that the server answers.
sub forward {
    my ($self, @words) = @_;

    my $server = $self->{server} //=
        IO::Socket::UNIX->new(Peer => "$self->{t}{dir}/redis.sock");
    my $out = join '', '*' . @words . "\r\n",
        map { '$' . length($_) . "\r\n$_\r\n" } @words;
    syswrite $server, $out;

    return raw($server);
}

sub raw {
    my ($server) = @_;

    my $line = readline $server;
    my ($type, $n) = $line =~ /^(.)(-?\d+)?/;
    if ($type eq '$' && $n >= 0) {
        read $server, my $bytes, $n + 2;
        return $line . $bytes;
    }

    return $type eq '*' && $n > 0
        ? join '', $line, map { raw($server) } 1 .. $n : $line;
}

1;
