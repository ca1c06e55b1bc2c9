#!/usr/bin/perl
# Redis hangs and is killed under load: who was refused has not paid, whatever
# happened to the call, and in the end edge and ledger agree.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Tollgate::Story;

my $t = Tollgate::Story->begin(conf => <<'CONF', workers => 2);
    tollgate on;
    tollgate_feature image.generate;
    tollgate_timeout 300ms;
    location / { proxy_pass http://backend; }
CONF
$t->r('CONFIG', 'SET', 'appendfsync', 'always');
$t->r('CONFIG', 'SET', 'appendonly', 'yes');
$t->wait_for(sub { $t->r('INFO', 'persistence') =~
                   /aof_rewrite_in_progress:0\r\naof_rewrite_scheduled:0/ },
             'the append-only file');
$t->redis_config(appendonly => 'yes', appendfsync => 'always');

my $c = $t->customer(credits => '100000');
my %headers = (Authorization => "Bearer $c->{key}");
my $served = 0;

sub burst {
    my ($count) = @_;
    my %status;
    $status{ $_->{status} }++
        for $t->parallel(map { ['POST', '/a', \%headers] } 1 .. $count);
    $served += $status{200} // 0;
    return \%status;
}

is_deeply burst(20), { 200 => 20 }, 'all is well';

kill 'STOP', $t->{redis_pid};
is_deeply burst(30), { 503 => 30 }, 'while Redis hangs requests are refused';
kill 'CONT', $t->{redis_pid};
$t->wait_for(sub { $t->call($c, 'POST', '/a')->{status} == 200 and ++$served },
             'the gate to recover');

for my $round (1 .. 3) {
    my $child = fork // die;
    if ($child == 0) {
        select undef, undef, undef, 0.02 * $round;
        kill 'KILL', $t->{redis_pid};
        POSIX::_exit(0);
    }
    my $status = burst(100);
    waitpid $child, 0;
    is 0 + (grep { !/^(200|503)$/ } keys %$status), 0,
        "killed under load ($round): each request passes or gets 503";
    $t->redis_stop;
    is_deeply burst(5), { 503 => 5 }, 'without Redis requests are refused';
    $t->redis_start;
    $t->wait_for(sub {
        $t->call($c, 'POST', '/a')->{status} == 200 and ++$served
    }, 'the gate to recover');
}

my $expected = 100_000 - 10 * $served;
$t->wait_for(sub { $t->settled && $t->mirrored && $t->balance($c) == $expected },
             "the balance to be $expected", 30)
    or diag $t->balance($c);
is $t->balance($c), $expected, 'exactly what was served is charged';
my $proof = $t->verified;
ok $proof->{ok}, 'edge and ledger agree' or diag explain $proof;

done_testing;
