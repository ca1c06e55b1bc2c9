#!/usr/bin/perl
# Redis hangs: requests are answered within tollgate_timeout, and what lay in
# its queue is not charged when it wakes.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Time::HiRes qw(time);
use Tollgate::Edge;
use Tollgate::Gate;

my $t = Tollgate::Edge->begin(workers => 2, conf => <<'CONF');
        tollgate on;
        tollgate_timeout 300ms;
        tollgate_feature image.generate;
        location / { proxy_pass http://backend; }
        location /open {
            tollgate_on_error open;
            proxy_pass http://backend;
        }
        location /patient {
            tollgate_timeout 10s;
            proxy_pass http://backend;
        }
CONF
my $c = $t->customer(avail => 1000);

# Stops Redis, sends the requests, lets it go on; their answers.
sub while_it_hangs {
    my ($path, $count) = @_;

    kill 'STOP', $t->{redis_pid};
    my $start = time;
    my @all = $t->parallel(
        map { ['GET', $path, { 'X-API-Key' => $c->{key} }] } 1 .. $count);
    my $took = time - $start;
    kill 'CONT', $t->{redis_pid};

    return ($took, @all);
}

# What is charged for good: the register with voids and refunds.
sub charged {
    my (%charged, %returned);
    for my $event (events($t, $c->{account})) {
        for my $item (split /;/, $event->{i}) {
            my ($id, $credits) = (split / /, $item)[0, 5];
            ($event->{k} eq 'charge' ? \%charged : \%returned)->{$id}
                = $credits;
        }
    }
    delete @charged{ keys %returned };
    my $sum = 0;
    $sum += $_ for values %charged;
    return $sum / 10_000_000;
}

sub passed {
    my ($path) = @_;

    my $passed;
    $t->wait_for(sub {
        $passed = $t->call($c, 'GET', $path)->{status} == 200
    }, 'the gate to pass a request');
    return $passed ? 1 : 0;
}

my $served = passed('/');
is charged(), $served, 'all is well';

# a hang that is shorter than nginx needs to hang up
my ($took, @all) = while_it_hangs('/', 20);
is scalar(grep { $_->{status} == 503 } @all), 20,
    'while Redis hangs requests are refused';
is $all[0]{json}{code}, 'store_unreachable', 'with the code of that';
cmp_ok $took, '>=', 0.25, 'after they have waited tollgate_timeout';
cmp_ok $took, '<', 5, 'and not for long';
$served += passed('/');
is charged(), $served, 'what Redis found when it woke was not charged';
is $t->avail($c), (100 - $served) * 10_000_000, 'so says the balance';
is scalar(grep { $_->{k} eq 'charge' } events($t, $c->{account})), $served,
    'nothing was charged first and given back later';

# open: served, and not charged after the deadline either
($took, @all) = while_it_hangs('/open', 10);
is scalar(grep { $_->{status} == 200 } @all), 10,
    'where the gate fails open they pass';
is scalar(grep { $_->{json}{account} } @all), 0, 'as nobody';
$served += passed('/');
is charged(), $served, 'and are not charged after the deadline';

# a wait within tollgate_timeout is only a wait
kill 'STOP', $t->{redis_pid};
my $socket = $t->send_request($c, 'GET', '/patient');
is $t->get('/')->{status}, 401, 'others are answered meanwhile' for 1 .. 4;
kill 'CONT', $t->{redis_pid};
is Tollgate::Http::read_response($socket)->{status}, 200,
    'a request waits for Redis as long as it may';
is charged(), ++$served, 'and is charged once';

# nginx hangs up on a Redis that hangs for long, and finds it again
($took, @all) = while_it_hangs('/patient', 5);
is scalar(grep { $_->{status} == 503 } @all), 5,
    'a Redis that hangs for long is given up before tollgate_timeout';
cmp_ok $took, '<', 9, 'within seconds';
my @at_once = $t->parallel(
    map { ['GET', '/', { 'X-API-Key' => $c->{key} }] } 1 .. 20);
$served += grep { $_->{status} == 200 } @at_once;
is scalar(grep { $_->{status} !~ /^(200|503)$/ } @at_once), 0,
    'each request passes or is refused';
$served += passed('/');
$t->wait_for(sub { charged() == $served }, 'what was lost to be given back');
is charged(), $served, 'who was refused has not paid';

my @events = events($t, $c->{account});
is_deeply [map { $_->{s} } @events], [1 .. @events],
    'the register has no gap';

done_testing;
