#!/usr/bin/perl
# Redis with a password, another database, and one that answers nothing or nonsense.

use strict;
use warnings;

use lib 't/lib';
use IO::Socket::UNIX;
use Test::More;
use Tollgate::Story;

my $t = Tollgate::Story->new;
my $secret = 'correct horse battery staple';
$t->spew('password', "$secret\n");
$t->spew('wrong', "wrong horse\n");

$t->redis(requirepass => qq("$secret"));
$t->r('AUTH', $secret);
$t->postgres;
$t->worker('redis.password_file' => "$t->{dir}/wrong");
$t->wait_for(sub { $t->slurp('worker.log') =~ /connect to redis .* failed: WRONGPASS/ },
             'a wrong password to be reported');
my (%check) = map { $_->{name} => $_ } @{ $t->must('GET', '/api/doctor')->{checks} };
ok !$check{redis}{ok}, 'the doctor tells of a wrong password';
unlike $t->slurp('worker.log'), qr/horse/, 'and no password is in the log';

$t->worker_stop;
$t->r('ACL', 'SETUSER', 'toll', 'on', ">$secret", '~*', '+@all');
$t->worker('redis.password_file' => "$t->{dir}/password", 'redis.user' => 'toll',
           'redis.database' => 3);
$t->r('SELECT', 3);
$t->wait_for(sub { $t->r('EXISTS', 'tg:catalog') }, 'the catalog to be carried');
$t->load_demo;
my $c = $t->customer(credits => '7');
is $t->r('HGET', Tollgate::wallet_key($c->{account}), 'avail'), 7_000_000,
    'user, password and database are used';
$t->worker_stop;
$t->redis_stop;

# A server that says what it is told to, to everybody.
sub fake_redis {
    my ($says) = @_;

    unlink "$t->{dir}/redis.sock";
    my $listen = IO::Socket::UNIX->new(Local => "$t->{dir}/redis.sock", Listen => 50)
        or die "listen: $!\n";
    my $pid = fork // die "fork: $!\n";
    if ($pid == 0) {
        my @clients;
        while (my $client = $listen->accept) {
            $client->syswrite($says);
            push @clients, $client;
        }
        POSIX::_exit(0);
    }
    $t->{processes}{fake} = $pid;

    return;
}

for my $case (['silence', '', qr/Resource temporarily unavailable|timed out/i],
              ['nonsense', "HTTP/1.1 400 Bad Request\r\n\r\n", qr/Protocol error/],
              ['a refusal', "-LOADING Redis is loading\r\n", qr/LOADING/])
{
    my ($name, $says, $wanted) = @$case;

    $t->spew('worker.log', '');
    fake_redis($says);
    $t->worker('redis.timeout' => '300ms', 'settle.idle_ms' => 50);
    $t->wait_for(sub { $t->slurp('worker.log') =~ /connect to redis .* failed: $wanted/ },
                 "$name to be reported");
    is +($t->api('GET', "/api/accounts/$c->{account}"))[0], 200,
        "the API goes on beside a Redis that answers with $name";
    is +($t->api('GET', '/api/ledger/verify'))[0], 503, 'and the proof says 503';
    unlike $t->slurp('worker.log'), qr/role \w+ ended/, 'no role dies of it';
    like $t->slurp('worker.log'), qr/hint: .*section \[redis\]/,
        'the log says what to do';
    if ($name eq 'a refusal') {
        my ($asked, $at) = (0, time);
        $t->wait_for(sub {
            $asked++ for map { $t->api('GET', '/api/ledger/verify') } 1 .. 3;
            time > $at + 1
        }, 'two seconds to be over');
        my @said = $t->slurp('worker.log') =~ /^(.*verify failed.*)$/mg;
        cmp_ok scalar @said, '<', 6, 'what is repeated is said once a second';
        like "@said", qr/\(and \d+ times more since it was last said\)/,
            'with how often it was not';
    }
    is $t->worker_stop, 0, 'and the worker stops cleanly';
    $t->stop('fake', 'KILL');
}

$t->redis_start;
done_testing;
