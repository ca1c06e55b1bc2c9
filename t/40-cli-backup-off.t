#!/usr/bin/perl
# A backup that is broken off, or that another one is in the way of, leaves what
# is whole and nothing else, and says what hindered it.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Tollgate::Story;

my $t = Tollgate::Story->new;
$t->redis;
$t->postgres;
$t->worker;
$t->worker_stop;

my $admin = $t->{dsn} =~ s/dbname=\S+ user=\S+/dbname=postgres user=postgres/r;
$t->psql($admin, 'alter role tollgate createdb');
my $file = "$t->{dir}/backup";
mkdir "$t->{dir}/bin";

# Starts the tool, with a program of Postgres being the script.
sub begin {
    my ($words, $name, $script) = @_;

    if ($name) {
        $t->spew("bin/$name", "#!/bin/sh\nreal() { PATH=${\($ENV{PATH})} command $name \"\$@\"; }\n$script\n");
        chmod 0755, "$t->{dir}/bin/$name";
    }
    unlink "$t->{dir}/tool.log";
    return $t->start('tool', 0, { PATH => "$t->{dir}/bin:$ENV{PATH}" }, "$Tollgate::build/tollgate",
                     split(' ', $words), '--conf', "$t->{dir}/worker.ini");
}

# Its exit status, and what it said.
sub ended {
    waitpid delete $t->{processes}{tool}, 0;
    my $status = $?;
    unlink glob "$t->{dir}/bin/*";

    return ($status >> 8, $t->slurp('tool.log'));
}

sub left { return join ' ', map { s{.*/}{}r } sort glob "$file*" }

sub databases {
    return $t->psql($admin, q{select count(*) from pg_database where datname like 'tollgate\_%'}) + 0;
}

# It runs until it is told to go on.
my $wait = "echo >$t->{dir}/runs; until test -e $t->{dir}/go; do read x <$t->{dir}/fifo; done";
system 'mkfifo', "$t->{dir}/fifo";

sub runs { return $t->wait_for(sub { -e "$t->{dir}/runs" }, 'the program to run') }

sub go {
    $t->spew('go', '');
    open my $fifo, '+<', "$t->{dir}/fifo" or die;
    syswrite $fifo, "\n";
    my @ended = ended();
    unlink map { "$t->{dir}/$_" } 'go', 'runs';

    return @ended;
}

# two at a time
begin("backup $file", 'pg_dump', "$wait; real \"\$\@\"");
runs();
my $second = `$Tollgate::build/tollgate backup $file --conf $t->{dir}/worker.ini 2>&1`;
is $? >> 8, 1, 'a second backup of the name is refused';
like $second, qr/is being written\n.*hint: another backup of that name runs/, 'and says why';
is left(), 'backup.part', 'what the first one writes stays';
my ($status, $out) = go();
is $status, 0, 'and that one comes to its end' or diag $out;
is left(), 'backup backup.json', 'with both files';

# a name that somebody else takes meanwhile
my $other = "$t->{dir}/other";
begin("backup $other", 'pg_dump', "real \"\$\@\" && echo mine >$other");
($status, $out) = ended();
is $status, 1, 'a name that was taken meanwhile is not replaced';
like $out, qr/make "\Q$other\E" failed: File exists/, 'which is said';
is $t->slurp($other), "mine\n", 'what is there stays';
is join(' ', glob "$other*"), $other, 'and gets no manifest of another';

# signals
for my $signal (qw(INT TERM HUP)) {
    my $pid = begin("backup $file.off", 'pg_dump', "trap 'echo >$t->{dir}/told; exit 1' TERM; $wait");
    runs();
    kill $signal, $pid;
    $t->wait_for(sub { -e "$t->{dir}/told" }, 'the program to be told');
    ($status, $out) = ended();
    unlink map { "$t->{dir}/$_" } 'runs', 'told';
    is $status, 130, "SIG$signal ends a backup";
    like $out, qr/stopped by a signal while pg_dump ran/, 'which is said';
    is left(), 'backup backup.json', 'and nothing of it is left';
}

my $pid = begin("backup --verify $file", 'pg_restore', "trap 'exit 1' TERM; $wait");
runs();
is databases(), 1, 'a file is verified in a database of its own';
kill 'TERM', $pid;
($status, $out) = ended();
is $status, 130, 'a signal ends that too' or diag $out;
is databases(), 0, 'and the database is gone';
unlink "$t->{dir}/runs";

# what can't be looked at is not called broken
$t->psql($t->{dsn}, 'drop function lib.audit_breaks');
begin("backup $other.one");
is +(ended())[0], 0, 'a backup of a database that lacks a function';
begin("backup --verify $other.one");
($status, $out) = ended();
is $status, 1, 'is not verified';
like $out, qr/look at the audit log failed: .*audit_breaks/, 'for it can not be looked at';
unlike $out, qr/is broken/, 'and not for what it has';
is databases(), 0, 'and its database is gone';

$t->spew('worker.ini', $t->slurp('worker.ini') =~ s/^dsn = .*/dsn = here it is/mr);
for my $words ("backup $file.x", "backup --verify $file", "restore $file") {
    begin($words);
    ($status, $out) = ended();
    is $status, 1, "$words needs a dsn";
    like $out, qr/\[postgres\] dsn can't be read\n.*hint: it is a list as/, 'and says what it looks like';
}

done_testing;
