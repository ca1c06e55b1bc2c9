package Tollgate::FakeRedis;

# A Redis that greets well and then answers what a test wants: for clients that
# have to bear anything.

use strict;
use warnings;

use IO::Select;
use IO::Socket::INET;
use IO::Socket::UNIX;
use POSIX ();

# Starts one for the test $t at "$dir/<name>.sock", or at $self->{address} where
# that is to be one of TCP.
sub start {
    my ($class, $t, $name, %opt) = @_;

    my $self = bless { file => "$t->{dir}/$name.answer", t => $t,
                       log => "$name.seen" }, $class;
    my $path = "$t->{dir}/$name.sock";
    my $listener = $opt{tcp}
        ? IO::Socket::INET->new(LocalAddr => '127.0.0.1:0', Listen => 16)
        : IO::Socket::UNIX->new(Local => $path, Listen => 16);
    die "$name: $!\n" unless $listener;
    $self->{address} = $opt{tcp} ? '127.0.0.1:' . $listener->sockport
                                 : "unix:$path";
    chmod 0777, $path unless $opt{tcp};
    $self->answer("-ERR not told yet\r\n");
    $t->spew($self->{log}, '');

    my $pid = fork // die "fork: $!\n";
    if ($pid == 0) {
        $SIG{PIPE} = 'IGNORE';
        $self->serve($listener);
        POSIX::_exit(0);
    }
    $t->{processes}{"fake $name"} = $pid;

    return $self;
}

# The bytes that answer the next calls of gate.lua; "CLOSE" at the end hangs up,
# "HOLD" has them and whatever comes after them wait for another answer.
sub answer {
    my ($self, $bytes) = @_;

    open my $file, '>', "$self->{file}.new" or die "$self->{file}: $!\n";
    print {$file} $bytes;
    close $file;
    rename "$self->{file}.new", $self->{file};

    return;
}

# The bytes that answer a command from now on, by its first word.
sub tell {
    my ($self, $command, $bytes) = @_;

    return $self->{t}->spew((split '/', "$self->{file}.$command")[-1], $bytes);
}

# The kinds of calls that came so far: gate, void, refund, commit, extend,
# "release" with the outcome, and others by name.
sub seen {
    my ($self) = @_;

    return split /\n/, $self->{t}->slurp($self->{log});
}

sub serve {
    my ($self, $listener) = @_;

    my $select = IO::Select->new($listener);
    my (%in, %held);
    open my $log, '>>', "$self->{t}{dir}/$self->{log}" or die;
    $log->autoflush(1);

    while (my @ready = $select->can_read) {
        for my $socket (@ready) {
            if ($socket == $listener) {
                $select->add(scalar $listener->accept);
                next;
            }

            my $open = sysread $socket, $in{$socket}, 65536,
                length($in{$socket} // '');
            while ($open and my @words = command(\$in{$socket})) {
                push @{ $held{$socket} }, \@words;
                while (my $held = $held{$socket}[0]) {
                    my ($kind, $bytes) = $self->reply(@$held);
                    last if $bytes eq 'HOLD';

                    shift @{ $held{$socket} };
                    print {$log} "$kind\n";
                    $open = $bytes !~ s/CLOSE\z//;
                    syswrite $socket, $bytes if length $bytes;
                }
            }
            next if $open;

            $select->remove($socket);
            delete $in{$socket};
            delete $held{$socket};
            close $socket;
        }
    }

    return;
}

# Takes one whole command from the text; empty where there is none yet.
sub command {
    my ($text) = @_;

    my ($count) = $$text =~ /\A\*(\d+)\r\n/ or return;
    my $at = $+[0];
    my @words;
    for (1 .. $count) {
        pos($$text) = $at;
        $$text =~ /\G\$(\d+)\r\n/g or return;
        my ($start, $length) = (pos $$text, $1);
        return if length $$text < $start + $length + 2;
        push @words, substr $$text, $start, $length;
        $at = $start + $length + 2;
    }
    substr $$text, 0, $at, '';

    return @words;
}

sub reply {
    my ($self, @words) = @_;

    my $name = lc $words[0];
    return ($name, $self->{t}->slurp("$self->{file}.$name"))
        if -e "$self->{file}.$name";
    return ($name, "*2\r\n\$10\r\n" . time . "\r\n\$1\r\n0\r\n")
        if $name eq 'time';
    return ($name, "\$40\r\n" . 'a' x 40 . "\r\n") if $name eq 'script';
    return ($name, "\$-1\r\n") if $name eq 'hget';
    return ($name, "*2\r\n\$-1\r\n\$-1\r\n") if $name eq 'hmget';
    return ($name, "\$3\r\n1-1\r\n") if $name eq 'xadd';
    return ($name, ":1\r\n") if $name eq 'sadd';
    return ($name, "+OK\r\n") if $name ne 'evalsha';
    return ('commit', ":1\r\n") if $words[2] == 4 && @words == 12;
    return ('extend', ":1\r\n") if $words[2] == 3 && @words == 11;
    return ('refund', ":1\r\n") if $words[2] == 3;
    return ("release $words[6]", ":1\r\n") if $words[2] == 1;
    return ('void', ":1\r\n") if @words == 8;

    return ('gate', $self->{t}->slurp($self->{file}));
}

# A reply of gate.lua to one request, with all that it can tell, and some of its
# 28 values replaced.
sub decision {
    my (%over) = @_;

    my @values = ([':', time * 1_000_000], [':', 1],
        (map { ['$', $_] } 'pass', 'app_0000000001', 'key_0000000001', 'payg'),
        [':', 0], ['$', 'payg'], [':', 10_000_000], [':', 0], [':', 90],
        ['$', ''], [':', 0], [':', 7], (map { [':', 0] } 1 .. 12), ['$', ''],
        ['$', '']);
    @values[keys %over] = values %over;

    return '*' . @values . "\r\n" . join '', map {
        my ($type, $value) = @$_;
        $type eq '$' ? '$' . length($value) . "\r\n$value\r\n"
                     : "$type$value\r\n";
    } @values;
}

1;
