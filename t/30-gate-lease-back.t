#!/usr/bin/perl
# Requests that a lease let pass and that fail: void before Redis was told of
# them, given back behind their charge after that.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Tollgate::Gate;
use Tollgate::Lent;

my $t = Tollgate::Lent->begin(conf => <<'CONF', leases => 'flush=200ms');
        tollgate on;
        tollgate_feature image.generate;
        tollgate_lease on;
        location / { proxy_pass http://backend; }
        location /hand { proxy_pass http://unix:%%DIR%%/hand.sock; }
CONF
my $listener = $t->listener('hand');

# Requests until so many more were decided by the lease; how many there were.
sub by_lease {
    my ($customer, $path, $count) = @_;

    my ($n, $before) = (0, $t->decided);
    $t->wait_for(sub {
        $t->call($customer, 'GET', $path);
        $n++;
        $t->decided - $before >= $count;
    }, "$count decisions of a lease");

    return $n;
}

# A request by the lease that waits for its backend.
sub started {
    my ($customer) = @_;

    by_lease($customer, '/x', 1);
    my $before = $t->decided;
    my $socket = $t->send_request($customer, 'GET', '/hand');
    my ($backend) = $t->accepted($listener);
    is $t->decided, $before + 1, 'a lease lets a request pass';

    return ($socket, $backend);
}

sub fails {
    my ($socket, $backend) = @_;

    print {$backend} "HTTP/1.0 500 Failed\r\n\r\n";
    close $backend;

    return is Tollgate::Http::read_response($socket)->{status}, 500,
        'and fails';
}

sub sent {
    return $t->wait_for(sub { !$t->metrics->{tollgate_lease_unsent_records} },
                        'its record to be told');
}

# A request whose record is in a call that Redis, which stands still, has not
# answered; the first call behind a request may be one without its record.
sub on_its_way {
    my ($customer) = @_;

    for (1 .. 20) {
        my ($socket, $backend) = started($customer);
        my $calls = sub { $t->metrics->{tollgate_lease_calls_total} };
        my $before = $calls->();
        $t->wait_for(sub { $calls->() > $before }, 'a call');
        kill 'STOP', $t->{redis_pid};
        my $now = $calls->();
        if ($t->metrics->{tollgate_lease_unsent_records}) {
            for (1 .. 100) {
                return ($socket, $backend) if $calls->() > $now;
                select undef, undef, undef, 0.01;
            }
        }
        kill 'CONT', $t->{redis_pid};
        print {$backend} "HTTP/1.0 200 OK\r\n\r\n";
        close $backend;
    }
    return;
}

my $c = $t->customer(avail => 10_000);
is $t->call($c, 'GET', '/x')->{status}, 200, 'a lease is made';
$t->leased($c);
my $n = by_lease($c, '/x?status=500', 8);
my ($charged, $refunded, $left) = $t->settled($c) =~ /(\d+)/g;
is $left, 9990, 'what fails costs nothing';
is $charged - 1, $refunded, 'what was charged has been given back';
cmp_ok $refunded, '<', $n, 'and others were never charged';
is scalar(grep { $_->{refunded} } $t->used($c->{account}, $n + 1)), $n,
    'the usage records tell of each that it is not charged';

# after its charge has arrived
my $d = $t->customer(avail => 10_000);
my ($socket, $backend) = started($d);
sent();
fails($socket, $backend);
$t->settled($d) =~ /(\d+) charged, (\d+) refunded, (\d+) left/;
is "$2 $3", '1 ' . (10_000 - 10 * ($1 - 1)),
    'a charge that Redis has is refunded';

# while it is on its way
my $e = $t->customer(avail => 10_000);
($socket, $backend) = on_its_way($e);
fails($socket, $backend);
cmp_ok $t->metrics->{tollgate_lease_unsent_records}, '>', 0,
    'while Redis has not said that it is charged';
is $t->metrics->{tollgate_debts}, 0, 'nothing is given back';
kill 'CONT', $t->{redis_pid};
$t->settled($e) =~ /(\d+) charged, (\d+) refunded, (\d+) left/;
is "$2 $3", '1 ' . (10_000 - 10 * ($1 - 1)), 'then it is, once';

# on its way, when its process is killed: the ring remembers
my $f = $t->customer(avail => 10_000);
($socket, $backend) = on_its_way($f);
fails($socket, $backend);
$t->nginx_kill;
kill 'CONT', $t->{redis_pid};
$t->wait_for(sub { $t->error_log =~ /was left by a process that is gone, with [1-9]/ },
             'the replay');
$t->settled($f) =~ /(\d+) charged, (\d+) refunded, (\d+) left/;
is "$2 $3", '1 ' . (10_000 - 10 * ($1 - 1)),
    'what a killed process had to give back is given back';

done_testing;
