#!/usr/bin/perl
# worker_shutdown_timeout: what hangs is cut off when a process has to leave, and
# what was charged for it is given back before the process is gone.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Tollgate::Edge;
use Tollgate::Gate;

my $t = Tollgate::Edge->begin(
    main => 'worker_shutdown_timeout 300ms;', conf => <<'CONF');
        tollgate on;
        tollgate_timeout 30s;
        tollgate_feature image.generate;
        proxy_buffering off;
        location / { proxy_pass http://backend; }
        location /hand { proxy_pass http://unix:%%DIR%%/hand.sock; }
CONF
my $listener = $t->listener('hand');
$SIG{PIPE} = 'IGNORE';
my $exited = 0;

sub reload { $t->nginx_reload; return $exited++ }

sub old_is_gone {
    return $t->wait_for(sub {
        $exited == (() = $t->error_log =~ /exited with code 0/g)
    }, 'the old process to leave');
}

# a backend that hangs, before its answer and in the middle of it
my ($before, $middle) = map { $t->customer(avail => 100) } 1, 2;
my $socket = $t->send_request($before, 'GET', '/hand');
my ($hangs) = $t->accepted($listener);
my $half = $t->send_request($middle, 'GET', '/hand');
my ($writes) = $t->accepted($listener);
print {$writes} "HTTP/1.0 200 OK\r\nContent-Length: 9\r\n\r\nhalf";
$writes->flush;
my $text = '';
sysread $half, $text, 65536, length $text until $text =~ /half/;
is join(' ', map { $t->avail($_) / 1e6 } $before, $middle), '90 90',
    'two requests are on their way';
reload();
is Tollgate::Http::read_response($socket)->{status}, 0,
    'a backend that hangs is cut off';
is tally($t, $before, 1), '1 charged, 1 refunded, 100 left',
    'and nothing was delivered, so it is given back';
is tally($t, $middle, 1), '1 charged, 0 refunded, 90 left',
    'what began to arrive is charged';
my ($record) = $t->usage($before->{account});
is "$record->{verdict} $record->{status} $record->{refunded}", 'pass 0 1',
    'its record says so';
old_is_gone();
is $t->call($before, 'GET', '/x')->{status}, 200, 'the new process serves';

# a Redis that hangs
my $c = $t->customer(avail => 100);
kill 'STOP', $t->{redis_pid};
my @waiting = map { $t->send_request($c, 'GET', '/x') } 1 .. 3;
is $t->get('/x')->{status}, 401, 'they wait for Redis';
reload();
my %status;
$status{ Tollgate::Http::read_response($_)->{status} }++ for @waiting;
is_deeply [grep { $_ != 0 && $_ != 503 } keys %status], [],
    'requests that wait for Redis are refused or cut off';
kill 'CONT', $t->{redis_pid};
old_is_gone();

# Redis has charged them when it woke, for their deadline had not passed: the
# register says of each that it is void, and the ledger will give it back
my %ids = map { $_ => {} } qw(charge void);
for my $event (events($t, $c->{account})) {
    $ids{ $event->{k} }{ (split / /)[0] } = 1 for split /;/, $event->{i};
}
is scalar keys %{ $ids{charge} }, 3, 'Redis has charged all of them';
is_deeply $ids{void}, $ids{charge}, 'and the old process has declared them void';

is $t->call($c, 'GET', '/x')->{status}, 200, 'and the gate goes on';
$t->used($c->{account}, 1);
is scalar(grep { $_->{status} == 200 } $t->usage($c->{account})), 1,
    'with the one request that passed';

done_testing;
