#!/usr/bin/perl
# A hold lasts as long as its request runs, and runs out when nginx is killed;
# what is due reaches Redis over an outage, once.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Tollgate::Edge;
use Tollgate::FakeRedis;
use Tollgate::Gate;
use Tollgate::Hold;

*decision = \&Tollgate::FakeRedis::decision;

my $t = Tollgate::Edge->begin(conf => <<'CONF');
        tollgate on;
        tollgate_hold 30 ttl=1s;
        tollgate_actual $upstream_http_x_cost;
        location / { proxy_pass http://unix:%%DIR%%/hand.sock; }
        location /long { tollgate_hold 30 ttl=60s; proxy_pass http://unix:%%DIR%%/hand.sock; }
        location /fake {
            tollgate_timeout 200ms;
            tollgate_redis unix:%%DIR%%/fake.sock;
            proxy_pass http://backend;
        }
CONF
my $fake = Tollgate::FakeRedis->start($t, 'fake');
my $listener = $t->listener('hand');

sub begin {
    my ($c, $path) = @_;

    my $socket = $t->send_request($c, 'GET', $path);

    return ($socket, ($t->accepted($listener))[0]);
}

sub finish {
    my ($socket, $backend) = @_;

    print {$backend} "HTTP/1.0 200 OK\r\nX-Cost: 12\r\n\r\nok\n";
    close $backend;

    return Tollgate::Http::read_response($socket)->{status};
}

sub state_of { return wallet_fields($t, $_[0]{account}, qw(avail held)) }

sub ends_ms {
    my ($c) = @_;

    my @times = @{ $t->r('ZRANGE', holds_key($c->{account}), 0, -1,
                         'WITHSCORES') };
    return $times[1] // 0;
}

# A request that takes longer than its hold would last.
my $c = $t->customer(avail => 100);
my @open = begin($c, '/');
my $ends = ends_ms($c);
ok $t->wait_for(sub { ends_ms($c) > $ends + 1500 }, 'the hold to be extended'),
    'a hold lasts as long as its request';
is expire($t, $c->{account}), '0 0', 'and does not run out';
is state_of($c), '70000000 30000000', 'or change';
$t->r('SCRIPT', 'FLUSH');
$ends = ends_ms($c);
ok $t->wait_for(sub { ends_ms($c) > $ends + 500 }, 'another extension'),
    'though Redis lose its scripts';
is finish(@open), 200, 'the request ends';
$t->wait_for(sub { state_of($c) eq '88000000 0' }, 'the commit');
is state_of($c), '88000000 0', 'and pays what it cost';
is join(' ', map { $_->{k} } events($t, $c->{account})), 'hold commit',
    'by two events, however long it took';

# Redis is away when it ends.
@open = begin($c, '/long');
$t->r('SAVE');
$t->redis_stop('KILL');
is finish(@open), 200, 'a request ends in an outage';
$t->redis_start;
$t->wait_for(sub { state_of($c) eq '76000000 0' }, 'the commit');
is scalar(grep { $_->{k} eq 'commit' } events($t, $c->{account})), 2,
    'and is committed once';

# One that ran out meanwhile.
@open = begin($c, '/long');
$t->r('HSET', Tollgate::wallet_key($c->{account}),
      map { $_->[0], $_->[1] =~ s/^(\d+) \d+/$1 1/r }
      map { [$_, $t->r('HGET', Tollgate::wallet_key($c->{account}), $_)] }
      grep { /^h:/ } @{ $t->r('HKEYS', Tollgate::wallet_key($c->{account})) });
$t->r('ZADD', holds_key($c->{account}), 1,
      $t->r('ZRANGE', holds_key($c->{account}), 0, 0)->[0]);
is expire($t, $c->{account}), '1 1', 'a hold runs out while its request runs';
is state_of($c), '76000000 0', 'its credits return';
finish(@open);
$t->wait_for(sub { state_of($c) eq '64000000 0' }, 'the late commit');
is((events($t, $c->{account}))[-1]{k}, 'late', 'it is charged late');

# An answer that comes late, or never.
$t->wait_for(sub {
    $fake->answer(decision());
    $t->call($c, 'GET', '/fake')->{status} == 200
}, 'the fake Redis to be reached');
$t->wait_for(sub { grep { $_ eq 'commit' } $fake->seen }, 'its commit');
my $seen = () = $fake->seen;
sub since { my @all = $fake->seen; return @all[$seen .. $#all] }
$fake->answer('HOLD');
is $t->call($c, 'GET', '/fake')->{status}, 503, 'an answer that comes late';
$fake->answer(decision());
$t->wait_for(sub { grep { $_ eq 'commit' } since() }, 'the release');
ok !grep({ /refund|void/ } since()), 'releases what it held';

# nginx is killed.
@open = begin($c, '/');
is state_of($c), '34000000 30000000', 'a request runs';
$t->{killed} = 1;
kill KILL => $t->children('nginx');
$t->wait_for(sub { expire($t, $c->{account}); state_of($c) eq '64000000 0' },
             'the hold to run out');
is((events($t, $c->{account}))[-1]{k}, 'expired', 'a killed nginx costs nothing');
$t->ready;

done_testing;
