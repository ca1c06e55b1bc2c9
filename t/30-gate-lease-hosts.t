#!/usr/bin/perl
# Two hosts with one Redis: together they let pass what the balance pays, to the
# last credit, for what one has and the other lacks is called back.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Tollgate::Gate;
use Tollgate::Lent;

my $conf = <<'CONF';
        tollgate on;
        tollgate_cost 7;
        tollgate_timeout 5s;
        tollgate_lease on;
        location / { proxy_pass http://backend; }
        location /all { tollgate_cost $arg_cost; proxy_pass http://backend; }
        location /units { tollgate_model app:standard; proxy_pass http://backend; }
CONF
my $t = Tollgate::Lent->begin(workers => 2, conf => $conf);
my $u = Tollgate::Lent->begin(workers => 2, conf => $conf, redis => 0,
                              address => "unix:$t->{dir}/redis.sock");

# So many rounds of parallel requests on both hosts at once; how many passed.
sub rounds {
    my ($customer, $path, $rounds, $width) = @_;

    my %pids = map {
        my ($name, $host) = @$_;
        my $pid = fork // die "fork: $!\n";
        unless ($pid) {
            my %count;
            for (1 .. $rounds) {
                $count{ $_->{status} }++
                    for $host->parallel(map { ['GET', $path, $host->auth($customer)] } 1 .. $width);
            }
            $t->spew($name, join ' ', %count);
            POSIX::_exit(0);
        }
        $pid => $name;
    } ['one', $t], ['two', $u];
    waitpid $_, 0 for keys %pids;

    my %sum;
    for my $name (values %pids) {
        my %count = split / /, $t->slurp($name);
        $sum{$_} += $count{$_} for keys %count;
    }

    return \%sum;
}

for my $balance (2_000, 700, 100) {
    my $c = $t->customer(avail => $balance);
    my $passes = int $balance / 7;
    my $before = $t->decided + $u->decided;
    $_->call($c, 'GET', '/x') for $t, $u;
    my $sum = rounds($c, '/x', 25, 10);
    is_deeply $sum, { 200 => $passes - 2, 402 => 502 - $passes },
        "of $balance credits exactly $passes requests pass";
    cmp_ok $t->decided + $u->decided, '>', $before, 'some by leases'
        if $balance > 500;
    my $left = $balance - 7 * $passes;
    is $t->settled($c), "$passes charged, 0 refunded, $left left",
        'each is charged, and the rest is there';
}

# what one host has lies idle there, and the other gets it
my $d = $t->customer(avail => 200);
$t->call($d, 'GET', '/x');
$t->leased($d);
$t->call($d, 'GET', '/x');
cmp_ok $t->held($d), '>', 0, 'a host has something on lease';
my $n = 2;
$n++ while $u->call($d, 'GET', '/x')->{status} == 200;
is $n, int(200 / 7), 'another host gets all that is left';
is $t->settled($d), "$n charged, 0 refunded, 4 left", 'and nothing is lost';

# what a process has spent and not told of, for it stands still, is not there
# for another host
for my $worker (($t->children('nginx')) x 3) {
    my $c = $t->customer(avail => 2_000);
    my ($passed, $before) = (0, $t->decided);
    $t->wait_for(sub {
        $passed += grep { $_->{status} == 200 }
            $t->parallel(map { ['GET', '/x', $t->auth($c)] } 1 .. 6);
        $t->decided >= $before + 12;
    }, 'decisions of a lease');
    $passed += grep { $_->{status} == 200 }
        $t->parallel(map { ['GET', '/x', $t->auth($c)] } 1 .. 6);
    kill 'STOP', $worker;
    my $rest = 2_000 - 7 * $passed;
    is $u->call($c, 'GET', '/all?cost=' . ($rest + 1))->{status}, 402,
        'the other host gets no more than the rest';
    kill 'CONT', $worker;
    $t->wait_for(sub { $u->call($c, 'GET', "/all?cost=$rest")->{status} == 200 },
                 'the rest');
    is $t->settled($c), $passed + 1 . ' charged, 0 refunded, 0 left', 'and that';
    is scalar(grep { $_->{k} eq 'owed' } events($t, $c->{account})), 0,
        'and nothing is owed';
}

# the same of a quota
$t->plan('basic', tier => 1, mode => 'subscription', day => 300, month => 5000);
my $s = $t->customer(plan => 'basic');
my $sum = rounds($s, '/units', 15, 8);
is_deeply $sum, { 200 => 150, 429 => 90 }, 'a quota of 300 lets 150 of 2 units pass';
$t->settled($s);
is $t->field($s, 'day_used'), 300, 'and is used up';

done_testing;
