#!/usr/bin/perl
# run.pl: throughput, latency and CPU of nginx without the gate, with limit_req
# and with the gate, on one machine in alternating rounds.  The figures of a
# machine mean little; the ratios of one run are what counts.
#
# Environment: ROUNDS (5), SECONDS (4), CONNECTIONS (64), ACCOUNTS (1000).

use strict;
use warnings;

use FindBin ();
use IO::Socket::INET ();
use POSIX ();
use Test::More ();

use Tollgate;

my %opt = (ROUNDS => 5, SECONDS => 4, CONNECTIONS => 64, ACCOUNTS => 1000);
$opt{$_} = $ENV{$_} // $opt{$_} for keys %opt;

# name => location; every location proxies to the same backend.
my @rows = (
    [ungated     => ''],
    [limit_req   => 'limit_req zone=keys burst=100000 nodelay;'],
    [strict      => 'tollgate on; tollgate_feature bench;'],
);

my $t = Tollgate->new;
my $port = free_port();

setup();
my %results;
for my $round (1 .. $opt{ROUNDS}) {
    for my $row (@rows) {
        push @{ $results{ $row->[0] } }, measure($row->[0]);
        $t->r('DEL', 'tg:none',
              grep { /:ledger$|usage/ } @{ $t->r('KEYS', 'tg:*') });
    }
}
report();

# --- what is measured -----------------------------------------------------------

sub free_port {
    my $socket = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1)
        or die "no free port: $!\n";
    return $socket->sockport;
}

sub setup {
    $t->redis;
    $t->plan('payg');
    $t->catalog('tier 0 free Free', 'feature bench 1000000 1');

    my @keys = map {
        my $account = sprintf 'bench%05d', $_;
        $t->wallet($account, avail => 9_000_000_000_000_000);
        $t->key($account);
    } 1 .. $opt{ACCOUNTS};
    $ENV{KEYS} = $t->spew('keys', join '', map { "$_\n" } @keys);

    my $backend = $t->spew('backend.conf', <<"CONF");
pid $t->{dir}/backend.pid;
error_log $t->{dir}/backend.log;
daemon off;
worker_processes 1;
events { worker_connections 2048; }
http {
    access_log off;
    client_body_temp_path $t->{dir}/b1;
    proxy_temp_path $t->{dir}/b2;
    fastcgi_temp_path $t->{dir}/b3;
    uwsgi_temp_path $t->{dir}/b4;
    scgi_temp_path $t->{dir}/b5;
    keepalive_requests 1000000000;
    server { listen unix:$t->{dir}/backend.sock; return 200 "ok\\n"; }
}
CONF
    $t->start('backend', 0, {}, '/usr/sbin/nginx', '-c', $backend,
              '-e', "$t->{dir}/backend.log");

    my $locations = join '', map {
        "location = /$_->[0] { $_->[1] proxy_pass http://backend; }\n"
    } @rows;
    $t->nginx(<<"CONF", log_level => 'error');
    tollgate_zone catalog:1m;
    tollgate_redis unix:%%DIR%%/redis.sock;
    limit_req_zone \$http_authorization zone=keys:10m rate=1000000r/s;
    upstream backend { server unix:%%DIR%%/backend.sock; keepalive 128; }
    keepalive_requests 1000000000;
    server {
        listen unix:%%DIR%%/nginx.sock;
        listen 127.0.0.1:$port;
        proxy_http_version 1.1;
        proxy_set_header Connection "";
        $locations
    }
CONF
    my $key = $keys[0];
    for my $row (@rows) {
        $t->wait_for(sub {
            $t->get("/$row->[0]", Authorization => "Bearer $key")->{status}
                == 200
        }, "$row->[0] to answer 200") or exit 1;
    }
}

# CPU of a process so far, in clock ticks.
sub ticks {
    my ($pid) = @_;
    my @stat = split ' ', $t->slurp("/proc/$pid/stat") =~ s/^.*\) //r;
    return $stat[11] + $stat[12];
}

sub measure {
    my ($name) = @_;

    my %pids = (nginx => ($t->children('nginx'))[0], redis => $t->{redis_pid});
    my %before = map { $_ => ticks($pids{$_}) } keys %pids;

    my $out = `wrk -t1 -c$opt{CONNECTIONS} -d$opt{SECONDS}s --latency \\
        -s $FindBin::Bin/keys.lua http://127.0.0.1:$port/$name 2>&1`;
    my ($requests, $us, $p50, $p99, $errors) =
        $out =~ /^RESULT (\d+) (\d+) (\d+) (\d+) (\d+)$/m or die $out;
    die "$name: $errors of $requests requests failed\n" if $errors;

    my $tick_us = 1e6 / POSIX::sysconf(POSIX::_SC_CLK_TCK());
    my %cpu = map {
        $_ => (ticks($pids{$_}) - $before{$_}) * $tick_us / $requests
    } keys %pids;

    return { rate => $requests / ($us / 1e6), p50 => $p50, p99 => $p99, %cpu };
}

sub median {
    my ($name, $figure) = @_;
    my @sorted = sort { $a <=> $b } map { $_->{$figure} } @{ $results{$name} };
    return $sorted[$#sorted / 2];
}

sub report {
    printf "%d connections, one nginx worker, %d accounts, medians of %d "
        . "rounds of %d s\n\n", @opt{qw(CONNECTIONS ACCOUNTS ROUNDS SECONDS)};
    printf "%-10s %10s %9s %9s %15s %15s\n", '', 'req/s', 'p50 us', 'p99 us',
        'nginx us/req', 'redis us/req';
    for my $row (@rows) {
        my $name = $row->[0];
        printf "%-10s %10.0f %9d %9d %15.1f %15.1f\n", $name,
            map { median($name, $_) } qw(rate p50 p99 nginx redis);
    }

    print "\n";
    printf "ratio strict/ungated %.3f\n",
        median('strict', 'rate') / median('ungated', 'rate');
    printf "ratio limit_req/ungated %.3f\n",
        median('limit_req', 'rate') / median('ungated', 'rate');
    printf "ratio strict/limit_req %.3f\n",
        median('strict', 'rate') / median('limit_req', 'rate');
}
