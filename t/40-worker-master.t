#!/usr/bin/perl
# The master: starts roles again that die, outlives its servers, stops cleanly.

use strict;
use warnings;

use lib 't/lib';
use IO::Socket::UNIX;
use Socket;
use Test::More;
use Tollgate;

my $t = Tollgate->new;

# name => pid of the roles that run.
sub roles {
    my $master = $t->{processes}{worker} or return;

    return map {
        my ($name) = $t->slurp("/proc/$_/comm") =~ /(\w+)/;
        $name ? ($name => $_) : ();
    } split ' ', $t->slurp("/proc/$master/task/$master/children");
}

socket my $notify, AF_UNIX, SOCK_DGRAM, 0 or die "socket: $!\n";
bind $notify, pack_sockaddr_un("$t->{dir}/notify.sock") or die "bind: $!\n";
local $ENV{NOTIFY_SOCKET} = "$t->{dir}/notify.sock";

$t->redis;
$t->postgres;
$t->worker('worker.pid_file' => "$t->{dir}/worker.pid");

my %first = roles();
is join(' ', sort keys %first), 'api jobs mirror proof settle',
    'each role is a process';
my $said;
$t->wait_for(sub { defined recv $notify, $said, 100, MSG_DONTWAIT },
             'a word to the service manager');
is $said, 'READY=1', 'the service manager is told';
is $t->slurp('worker.pid') + 0, $t->{processes}{worker},
    'the pid file names the master';
is sprintf('%o', (stat "$t->{dir}/admin.sock")[2] & 0777), '600',
    'only its owner may use the socket of the operator';
is sprintf('%o', (stat "$t->{dir}/api.sock")[2] & 0777), '666',
    'the other one has the mode of the configuration';

`$Tollgate::build/tollgate-worker -c $t->{dir}/worker.ini 2>&1`;
isnt $?, 0, 'a second worker with the pid file refuses to start';
is +(roles())[0] && (($t->api('GET', '/api/health'))[0]), 200,
    'and leaves the first in peace';

for my $role (sort keys %first) {
    kill 'KILL', $first{$role};
    $t->wait_for(sub {
        my %now = roles();
        $now{$role} && $now{$role} != $first{$role};
    }, "$role to be started again");
}
my %second = roles();
is join(' ', sort keys %second), 'api jobs mirror proof settle',
    'a role that is killed is started again';
$t->wait_for(sub { ($t->api('GET', '/api/health'))[0] == 200 },
             'the API to answer again');
like $t->slurp('worker.log'), qr/role settle ended with signal 9/,
    'and the log tells';

$t->redis_stop;
$t->postgres_stop;
my ($status, $problem, $answer) = $t->api('GET', '/api/accounts');
is $status, 503, 'without Postgres the API says 503';
is $problem->{code}, 'database_unavailable', 'with a code';
is $answer->{headers}{'retry-after'}, 1, 'and when to try again';
is +($t->api('GET', '/api/health'))[0], 200, 'but it is alive';
($status, my $doctor) = $t->api('GET', '/api/doctor');
is $status, 200, 'and the doctor still answers';
my %failed = map { $_->{name} => 1 } grep { !$_->{ok} } @{ $doctor->{checks} };
ok $failed{postgres} && $failed{redis}, 'that both servers are away';

$t->postgres_start;
$t->redis_start;
$t->wait_for(sub { ($t->api('GET', '/api/accounts'))[0] == 200 },
             'the API to find Postgres again');
$t->wait_for(sub { $t->r('EXISTS', 'tg:catalog') },
             'the mirror to find an empty Redis and fill it', 20);
my %third = roles();
is_deeply \%third, \%second, 'no role died of it';

my @roles = values %third;
is $t->worker_stop('TERM'), 0, 'SIGTERM ends it with status 0';
ok !(grep { kill 0, $_ } @roles), 'no role is left';
ok !-e "$t->{dir}/admin.sock" && !-e "$t->{dir}/api.sock",
    'nor a socket';
ok !-e "$t->{dir}/worker.pid", 'nor the pid file';

$t->worker_start;
my %fourth = roles();
my $master = delete $t->{processes}{worker};
kill 'KILL', $master;
waitpid $master, 0;
$t->wait_for(sub { !grep { kill 0, $_ } values %fourth },
             'the roles to die with a master that is killed');
$t->worker_start;
is +($t->api('GET', '/api/health'))[0], 200,
    'a worker takes over the sockets of one that was killed';

done_testing;
