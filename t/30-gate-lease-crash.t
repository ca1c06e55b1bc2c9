#!/usr/bin/perl
# What a lease let pass is charged once, whatever dies: processes of nginx, all
# of it, connections, Redis; and everything returns when nginx leaves.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Tollgate::Gate;
use Tollgate::Lent;

my $t = Tollgate::Lent->begin(workers => 2, conf => <<'CONF');
        tollgate on;
        tollgate_cost 1;
        tollgate_timeout 2s;
        tollgate_lease on;
        location / { proxy_pass http://backend; }
CONF

# Sends requests of a customer from two processes while something happens; how
# many got a 200.
sub under_load {
    my ($customer, $happens) = @_;

    my @pids = map {
        my $name = "load.$_";
        my $pid = fork // die "fork: $!\n";
        unless ($pid) {
            my $passed = 0;
            until (-e "$t->{dir}/stop") {
                my $r = eval { $t->call($customer, 'GET', '/x') };
                $passed++ if $r && $r->{status} && $r->{status} == 200;
                $t->spew($name, $passed);
            }
            POSIX::_exit(0);
        }
        $pid;
    } 1 .. 2;

    my $passed = sub { my $sum = 0; $sum += $t->slurp("load.$_") || 0 for 1 .. 2; $sum };
    my $decided = eval { $t->decided } // 0;
    $t->wait_for(sub { $t->decided >= $decided + 50 }, 'requests by a lease');
    $happens->($passed);
    $t->spew('stop', '');
    waitpid $_, 0 for @pids;
    my $sum = $passed->();
    unlink map { "$t->{dir}/$_" } 'stop', 'load.1', 'load.2';

    return $sum;
}

# Each 200 is charged once; a request whose client got nothing may be charged.
sub whole {
    my ($customer, $passed, $most, $what) = @_;

    my ($charged, $left) = $t->settled($customer) =~ /^(\d+) charged.* (\d+) left$/;
    cmp_ok $charged, '>=', $passed, "$what: each that passed is charged";
    cmp_ok $charged, '<=', $passed + $most, 'once';
    is $left + $charged, 100_000, 'and nothing is lost';

    return;
}

my $c = $t->customer(avail => 100_000);
my $passed = under_load($c, sub {
    for (1 .. 3) {
        my ($one) = $t->children('nginx');
        $t->{killed} = 1;
        kill 'KILL', $one;
        $t->wait_for(sub { $t->children('nginx') == 2 && !grep { $_ == $one } $t->children('nginx') },
                     'another process');
        my $decided = $t->decided;
        $t->wait_for(sub { $t->decided > $decided + 20 }, 'leases again');
    }
});
whole($c, $passed, 6, 'a process that is killed');

# all of nginx, and it is started again
my $d = $t->customer(avail => 100_000);
$passed = under_load($d, sub {
    my @all = ($t->{processes}{nginx}, $t->children('nginx'));
    kill 'KILL', @all;
    $t->stop('nginx', 'KILL');
    $t->nginx_start;
    $t->wait_for(sub { $t->decided > 20 }, 'leases again');
});
$t->wait_for(sub { $t->error_log =~ /was left by a process that is gone/ }, 'the replay');
my $host = (keys %{ { $t->leases($d) } })[0];
$t->wait_for(sub { $t->metrics->{tollgate_lease_unsent_records} == 0 }, 'all to be told');
$t->reclaim($d);
whole($d, $passed, 2, 'all of nginx');

# connections to Redis, whose replies are lost
my $e = $t->customer(avail => 100_000);
$passed = under_load($e, sub {
    for (1 .. 10) {
        $t->r('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
        my $decided = $t->decided;
        $t->wait_for(sub { $t->decided > $decided + 10 }, 'leases again');
    }
});
$t->reclaim($e);
whole($e, $passed, 20, 'a connection that is cut');

# Redis is away for longer than a lease is good for
my $f = $t->customer(avail => 100_000);
$passed = under_load($f, sub {
    my ($count) = @_;
    kill 'STOP', $t->{redis_pid};
    my $old = $t->metrics->{'tollgate_lease_strict_total{reason="old"}'};
    $t->wait_for(sub {
        $t->metrics->{'tollgate_lease_strict_total{reason="old"}'} > $old
    }, 'the lease to be of no use');
    my $stood = $t->decided;
    $t->wait_for(sub { $t->metrics->{'tollgate_lease_strict_total{reason="old"}'} > $old + 1 },
                 'another request');
    is $t->decided, $stood, 'without Redis a lease ends';
    kill 'CONT', $t->{redis_pid};
    $t->wait_for(sub { $t->decided > $stood + 20 }, 'leases again');
});
$t->reclaim($f);
whole($f, $passed, 20, 'a Redis that hangs');

# reload and quit
my $g = $t->customer(avail => 100_000);
$passed = under_load($g, sub {
    $t->nginx_reload;
    $t->wait_for(sub { 2 == (() = $t->error_log =~ /exited with code 0/g) }, 'the old ones to leave');
    my $decided = $t->decided;
    $t->wait_for(sub { $t->decided > $decided + 20 }, 'leases again');
});
cmp_ok scalar(() = $t->leases($g)), '>', 0, 'something is lent';
$t->nginx_stop('QUIT');
is_deeply [$t->leases($g)], [], 'and returns when nginx quits';
is $t->held($g), 0, 'all of it';
is $t->avail($g), 1_000_000 * (100_000 - $passed), 'reload and quit: each request is charged once';

done_testing;
