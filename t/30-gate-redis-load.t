#!/usr/bin/perl
# Redis hangs under full load, again and again: memory, connections and timers
# of nginx are afterwards what they were before.  HANG=60 hangs for a minute.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Time::HiRes qw(time);
use Tollgate::Edge;

# what a sanitizer keeps back of what was freed is no memory of nginx
$ENV{TOLLGATE_ASAN_OPTIONS} = 'quarantine_size_mb=0:thread_local_quarantine_size_kb=0';

my $hang = $ENV{HANG} // 2;
my $t = Tollgate::Edge->begin(http => 'tollgate_usage_buffer 256k;',
    conf => <<'CONF');
        keepalive_requests 1000000;
        tollgate on;
        tollgate_cost 0.001;
        tollgate_timeout 200ms;
        location / { proxy_pass http://backend; }
        location /open { tollgate_on_error open; proxy_pass http://backend; }
CONF
my $c = $t->customer(avail => 100_000);
my ($worker) = $t->children('nginx');

# Keeps 64 connections busy for so long; how many answers of each status.
sub load {
    my ($seconds) = @_;

    my $dir = $t->{dir};
    my @pids;
    for my $n (1 .. 2) {
        my $pid = fork // die "fork: $!\n";
        push @pids, $pid and next if $pid;

        my @sockets = map { Tollgate::Http::open_socket("$dir/nginx.sock") }
            1 .. 32;
        my $text = join '', map {
            Tollgate::Http::format_request('GET', $_,
                { 'X-API-Key' => $c->{key}, Connection => 'keep-alive' })
        } $n == 1 ? '/' : '/open';
        my (%count, $answer);
        my $end = time + $seconds;
        while (time < $end) {
            for (@sockets) { syswrite $_, $text }
            for (@sockets) {
                sysread $_, $answer, 65536;
                $count{ substr $answer, 9, 3 }++;
            }
        }
        $t->spew("load$n", join ' ', %count);
        POSIX::_exit(0);
    }
    waitpid $_, 0 for @pids;

    my %all;
    for my $n (1, 2) {
        my %count = split ' ', $t->slurp("load$n");
        $all{$_} += $count{$_} for keys %count;
    }

    return \%all;
}

# What the nginx worker has: memory in KiB, descriptors, connections of Redis.
sub has {
    my ($status) = $t->slurp("/proc/$worker/status") =~ /VmRSS:\s+(\d+)/;
    my @files = glob "/proc/$worker/fd/*";
    my ($clients) = $t->r('INFO', 'clients') =~ /connected_clients:(\d+)/;

    return { memory => $status, files => scalar @files, clients => $clients };
}

sub hang {
    kill 'STOP', $t->{redis_pid};
    my $count = load($hang);
    kill 'CONT', $t->{redis_pid};
    $t->wait_for(sub { $t->call($c, 'GET', '/')->{status} == 200 },
                 'requests to pass again');
    $count->{$_} //= 0 for 200, 503;

    return $count;
}

load(1);
my $first = hang();
cmp_ok $first->{200} + $first->{503}, '>', 1000, 'many requests come meanwhile';
cmp_ok $first->{$_}, '>', 100, "some are answered $_" for 200, 503;
is scalar(keys %$first), 2, 'and none otherwise';

$t->wait_for(sub { has()->{clients} == 2 }, 'old connections to end');
my $before = has();
my ($memory, @grown) = $before->{memory};
for (1 .. 5) {
    hang();
    push @grown, has()->{memory} - $memory;
    $memory += $grown[-1];
}
$t->wait_for(sub { has()->{clients} == 2 }, 'old connections to end');
$t->wait_for(sub { has()->{files} == $before->{files} },
             'descriptors to be closed');
my $after = has();

note "before: @{[%$before]}, after: @{[%$after]}";
cmp_ok +(sort { $a <=> $b } @grown)[2], '<', 128,
    'more of them need no more memory, but for buffers that find their size'
    or diag "@grown";
is $after->{files}, $before->{files}, 'nor descriptors';
is $after->{clients}, 2, 'one connection is left beside that of the test';

my @lines = grep { /\[error\]/ } split /\n/, $t->error_log;
cmp_ok scalar @lines, '<', 4 * (10 + 6 * $hang), 'the log is not flooded';

done_testing;
