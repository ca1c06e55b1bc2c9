#!/usr/bin/perl
# script.pl: what a decision of gate.lua costs Redis, by accounts in a call and
# requests of each: CPU us, or with INSTRUCTIONS=1 instructions under callgrind,
# which are the same on a busy machine.
#
# Environment: DECISIONS of a row (6400, with INSTRUCTIONS 640), ROUNDS (3).

use strict;
use warnings;

use IO::Socket::UNIX ();
use Test::More ();

use Tollgate;
use Tollgate::Gate ();

my $counts = $ENV{INSTRUCTIONS};
my $decisions = $ENV{DECISIONS} // ($counts ? 640 : 6400);
my @rows = ([1, 1], [8, 1], [32, 1], [64, 1], [1, 32]);

my ($t, $socket, $sha, @customers);
begin() unless $counts;
for my $row (@rows) {
    my $rounds = $counts ? 1 : $ENV{ROUNDS} // 3;
    my @figures = sort { $a <=> $b } map { $counts ? instructions(@$row) : cpu(@$row) }
        1 .. $rounds;
    printf "%2d accounts, %2d requests of each: %*.*f %s a decision\n", @$row,
        8, $counts ? 0 : 1, $figures[$#figures / 2], $counts ? 'instructions' : 'us';
}

# A Redis with a hundred accounts, alone or under a command.
sub begin {
    my @under = @_;

    $t = Tollgate->new;
    if (@under) {
        $t->spew('redis-server', "#!/bin/sh\nexec @under /usr/bin/redis-server \"\$@\"\n");
        chmod 0755, "$t->{dir}/redis-server";
    }
    local $ENV{PATH} = "$t->{dir}:$ENV{PATH}";
    $t->redis;
    @customers = ();
    for my $n (1 .. 100) {
        my $account = sprintf 'script%04d', $n;

        $t->wallet($account, avail => 9_000_000_000_000_000);
        push @customers, [$account, $t->key($account)];
    }
    $sha = $t->r('SCRIPT', 'LOAD', $t->script_text('gate'));
    $socket = IO::Socket::UNIX->new(Peer => "$t->{dir}/redis.sock")
        or die "Redis: $!\n";

    return;
}

# A call for so many accounts, as bytes.
sub call {
    my ($accounts, $requests) = @_;

    my $from = int rand @customers - $accounts + 1;
    my ($keys, $args) = Tollgate::Gate::gate_call([map {
        my ($account, $key) = @$_;
        my %request = (key => $key, cost => 1_000_000, units => 1, feature => 'bench',
                       ip => '7f000001', method => 'GET', path => '/strict');

        [$account, ({ %request }) x $requests]
    } @customers[$from .. $from + $accounts - 1]]);
    my @words = ('EVALSHA', $sha, scalar @$keys, @$keys, @$args);

    return join '', '*' . @words . "\r\n", map { '$' . length($_) . "\r\n$_\r\n" } @words;
}

# Sends the calls, one after the other.
sub send_all {
    for my $bytes (@_) {
        print {$socket} $bytes;
        $socket->flush;
        my ($values) = (readline($socket) // '') =~ /^\*(\d+)/ or die "no decision\n";
        while ($values--) {
            my $value = readline $socket;
            die "no decision: $value" if $value =~ /^-/;
            readline $socket if $value =~ /^\$/;
        }
    }

    return;
}

sub calls_of {
    my ($accounts, $requests) = @_;

    return map { call($accounts, $requests) } 1 .. $decisions / ($accounts * $requests);
}

sub cpu {
    my ($accounts, $requests) = @_;

    my @calls = calls_of($accounts, $requests);
    my $before = cpu_so_far();
    send_all(@calls);
    my $us = cpu_so_far() - $before;
    $t->r('DEL', grep { /:ledger\z/ } @{ $t->r('KEYS', 'tg:*') });

    return $us / (@calls * $accounts * $requests);
}

sub cpu_so_far {
    my $us = 0;
    $us += 1e6 * $_ for $t->r('INFO', 'cpu') =~ /^used_cpu_\w+_main_thread:(\S+)/mg;

    return $us;
}

sub instructions {
    my ($accounts, $requests) = @_;

    begin(qw(valgrind --tool=callgrind --instr-atstart=no),
          '--callgrind-out-file=$(dirname "$0")/callgrind');
    my @calls = calls_of($accounts, $requests);
    send_all(@calls[0 .. 3]);
    for my $state ('on', 'off') {
        system("callgrind_control -i $state $t->{redis_pid} > $t->{dir}/control 2>&1") == 0
            or die $t->slurp('control');
        send_all(@calls) if $state eq 'on';
    }
    $t->stop('redis', 'TERM');
    my ($sum) = $t->slurp('callgrind') =~ /^totals: (\d+)/m or die "no instructions\n";

    return $sum / (@calls * $accounts * $requests);
}
