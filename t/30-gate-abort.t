#!/usr/bin/perl
# Clients that leave: while Redis is asked, while the backend works, in the
# middle of the answer.  Who caused no work pays nothing, and nothing breaks.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Tollgate::Edge;
use Tollgate::Gate;

my $t = Tollgate::Edge->begin(conf => <<'CONF');
        tollgate on;
        tollgate_timeout 1500ms;
        tollgate_feature image.generate;
        proxy_buffering off;
        location / { proxy_pass http://backend; }
        location /hand { proxy_pass http://unix:%%DIR%%/hand.sock; }
        location /free {
            tollgate_charge_on 2xx;
            proxy_pass http://unix:%%DIR%%/hand.sock;
        }
        location /paid {
            tollgate_charge_on 2xx client_abort;
            proxy_pass http://unix:%%DIR%%/hand.sock;
        }
CONF
my $listener = $t->listener('hand');
$SIG{PIPE} = 'IGNORE';

sub kinds {
    my ($customer) = @_;

    return join ' ', map { $_->{k} } events($t, $customer->{account});
}

sub left_in_log {
    return scalar(() = $t->error_log =~ /client prematurely closed/g);
}

# while Redis is asked
my $c = $t->customer(avail => 100);
kill 'STOP', $t->{redis_pid};
my @sockets = map { $t->send_request($c, 'GET', '/x') } 1 .. 5;
my $stays = $t->send_request($c, 'GET', '/x');
is $t->get('/x')->{status}, 401, 'others are answered meanwhile' for 1 .. 3;
close $_ for @sockets;
$t->wait_for(sub { left_in_log() >= 5 }, 'nginx to notice');
kill 'CONT', $t->{redis_pid};
is Tollgate::Http::read_response($stays)->{status}, 200,
    'who stays is answered';
$t->wait_for(sub { $t->avail($c) == 90_000_000 }, 'refunds');
is $t->avail($c), 90_000_000, 'and pays alone: the others got nothing';
my %kinds;
$kinds{$_}++ for split ' ', kinds($c);
is $kinds{refund} // 0, 5, 'each of them is a refund in the register';
my @events = events($t, $c->{account});
is_deeply [map { $_->{s} } @events], [1 .. @events], 'without a gap';

# while the backend works; what nginx does about it is charge_on's affair
my %left;
for my $path ('/hand', '/free', '/paid') {
    my $customer = $t->customer(avail => 100);
    my $before = left_in_log();
    my $socket = $t->send_request($customer, 'GET', $path);
    my ($backend) = $t->accepted($listener);
    is $t->avail($customer), 90_000_000, "$path: charged at first";
    close $socket;
    $t->wait_for(sub { left_in_log() > $before }, 'nginx to notice');
    my ($record) = $t->used($customer->{account}, 1);
    is $record->{status}, 499, "$path: the outcome is 499";
    $t->wait_for(sub { kinds($customer) =~ /refund/ }, 'a refund')
        if $record->{refunded};
    $left{$path} = $t->avail($customer) / 1e6 . " $record->{refunded}";
    close $backend;
}
is $left{'/hand'}, '90 0',
    'a client that leaves while the backend works for it pays';
is $left{'/free'}, '100 1', 'but not where only successes are charged';
is $left{'/paid'}, '90 0', 'unless client_abort is too';

# in the middle of the answer
for my $path ('/hand', '/free') {
    my $customer = $t->customer(avail => 100);
    my $socket = $t->send_request($customer, 'GET', $path);
    my ($backend) = $t->accepted($listener);
    print {$backend} "HTTP/1.0 200 OK\r\nContent-Length: 1000000\r\n\r\nhalf";
    $backend->flush;
    my $text = '';
    sysread $socket, $text, 65536, length $text until $text =~ /half/;
    close $socket;
    print {$backend} 'x' x 100_000;
    my ($record) = $t->used($customer->{account}, 1);
    is "$record->{status} $record->{refunded}", '200 0',
        "$path: who leaves in the middle of the answer pays";
    is $t->avail($customer), 90_000_000, "$path: the whole price";
    close $backend;
}

is $t->call($c, 'GET', '/x')->{status}, 200, 'the gate goes on';

done_testing;
