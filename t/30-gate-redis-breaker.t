#!/usr/bin/perl
# A Redis that answers nobody is not waited for by everybody: after a while
# requests are refused at once, until it answers again.  What waits is bounded.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Time::HiRes qw(time);
use Tollgate::Edge;
use Tollgate::Gate;

my $t = Tollgate::Edge->begin(conf => <<'CONF');
        tollgate on;
        tollgate_cost 10;
        tollgate_timeout 1200ms;
        location / { proxy_pass http://backend; }
        location /open { tollgate_on_error open; proxy_pass http://backend; }
        location /queue {
            tollgate_redis unix:%%DIR%%/mute.sock queue=3 connect_timeout=5s;
            tollgate_timeout 1s;
            proxy_pass http://backend;
        }
CONF
my $c = $t->customer(avail => 10_000);

sub crowd {
    my ($count, $path) = @_;

    my $start = time;
    my %count;
    $count{ $_->{status} }++ for $t->parallel(
        map { ['GET', $path, { 'X-API-Key' => $c->{key} }] } 1 .. $count);

    return (time - $start, \%count);
}

my ($took, $count) = crowd(10, '/');
is_deeply $count, { 200 => 10 }, 'requests pass';

for my $round (1, 2) {
    my $paid = 10_000_000_000 - $t->avail($c);

    kill 'STOP', $t->{redis_pid};
    ($took, $count) = crowd(40, '/');
    is_deeply $count, { 503 => 40 }, "Redis hangs: the first wait ($round)";
    cmp_ok $took, '>=', 1, "for tollgate_timeout ($round)";

    ($took, $count) = crowd(200, '/');
    is_deeply $count, { 503 => 200 }, "then requests are refused ($round)";
    cmp_ok $took, '<', 1, "at once ($round)";
    ($took, $count) = crowd(50, '/open');
    is_deeply $count, { 200 => 50 }, "or pass at once where it fails open "
        . "($round)";
    cmp_ok $took, '<', 1, "at once, too ($round)";

    kill 'CONT', $t->{redis_pid};
    $t->wait_for(sub { $t->call($c, 'GET', '/')->{status} == 200 },
                 'requests to pass again');
    ($took, $count) = crowd(50, '/');
    is_deeply $count, { 200 => 50 }, "Redis answers: all pass ($round)";
    $t->wait_for(sub {
        10_000_000_000 - $t->avail($c) == $paid + 51 * 10_000_000
    }, 'nobody to have paid for a refusal');
    is 10_000_000_000 - $t->avail($c), $paid + 51 * 10_000_000,
        "and nobody paid for a refusal ($round)";
}

# A server that accepts and says nothing: what waits for it is bounded.
my $mute = $t->listener('mute');
$t->nginx_stop('TERM');
$t->nginx_start;
my $start = time;
my @sockets = map { $t->send_request($c, 'GET', '/queue') } 1 .. 8;
my @got = map { Tollgate::Http::read_response($_) } @sockets[3 .. 7];
cmp_ok time - $start, '<', 0.9, 'what the queue does not take is refused at once';
push @got, map { Tollgate::Http::read_response($_) } @sockets[0 .. 2];
cmp_ok time - $start, '>=', 0.9, 'the others wait';
is scalar(grep { $_->{status} == 503 } @got), 8, 'in vain';

done_testing;
