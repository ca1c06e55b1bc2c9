#!/usr/bin/perl
# What the gate owes to a customer reaches Redis in the end: answers that come
# late, refunds while Redis is down, refuses, or has lost its scripts.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Tollgate::Edge;
use Tollgate::FakeRedis;
use Tollgate::Gate;

*decision = \&Tollgate::FakeRedis::decision;

my $t = Tollgate::Edge->begin(conf => <<'CONF');
        tollgate on;
        tollgate_feature image.generate;
        location / { proxy_pass http://backend; }
        location /hand { proxy_pass http://unix:%%DIR%%/hand.sock; }
        location /fake {
            tollgate_feature "";
            tollgate_cost 10;
            tollgate_timeout 200ms;
            tollgate_redis unix:%%DIR%%/fake.sock;
            proxy_pass http://backend;
            location /fake/open {
                tollgate_on_error open;
                proxy_pass http://backend;
            }
        }
CONF
my $fake = Tollgate::FakeRedis->start($t, 'fake');
my $c = $t->customer(avail => 100);
my $listener = $t->listener('hand');

sub kinds { return join ' ', grep { /^(?:gate|void|refund)$/ } $fake->seen }

# Asks once with the reply held back, then lets it go.
sub late {
    my ($path, $answer) = @_;

    $fake->answer(decision());
    $t->wait_for(sub { $t->call($c, 'GET', '/fake')->{status} == 200 },
                 'the fake Redis to be reached');
    my $before = kinds();
    $fake->answer('HOLD');
    my $r = $t->call($c, 'GET', $path);
    $fake->answer($answer);

    # a request that is answered comes after all that was held back
    is $t->call($c, 'GET', '/fake')->{status}, 200, 'the next one passes';
    $t->call($c, 'GET', '/fake') for 1 .. 3;

    return ($r, substr kinds(), length $before);
}

my ($r, $kinds) = late('/fake', decision());
is "$r->{status} $r->{json}{code}", '503 store_unreachable',
    'a request whose answer comes late is refused';
like $kinds, qr/refund/, 'what it was charged is given back';
unlike $kinds, qr/void/, 'since it is known, nothing is voided';

($r, $kinds) = late('/fake/open', decision());
is $r->{status}, 200, 'failing open it passes';
unlike $kinds, qr/refund|void/, 'and has paid for what it got';

# One answer for the late request and for those after it: it charges nothing.
($r, $kinds) = late('/fake', decision(8 => [':', 0]));
is $r->{status}, 503, 'an answer that charges nothing may come late';
unlike $kinds, qr/refund|void/, 'and nothing is owed for it';

# Lets a request fail after something has happened to Redis.
sub fails_after {
    my ($customer, $happens) = @_;

    my $socket = $t->send_request($customer, 'GET', '/hand');
    my ($backend) = $t->accepted($listener);
    is $t->avail($customer), 90_000_000, 'a request is charged';
    $happens->();
    print {$backend} "HTTP/1.0 500 Failed\r\n\r\n";
    close $backend;
    is Tollgate::Http::read_response($socket)->{status}, 500, 'and fails';
    close $socket;

    return;
}

sub given_back {
    my ($customer, $micro, $what) = @_;

    $t->wait_for(sub { $t->avail($customer) == $micro }, $what);
    return is $t->avail($customer), $micro, $what;
}

fails_after($c, sub { $t->r('SCRIPT', 'FLUSH') });
given_back($c, 100_000_000, 'scripts that are lost are loaded for a refund');

my $d = $t->customer(avail => 100);
fails_after($d, sub { $t->r('CONFIG', 'SET', 'maxmemory', 1) });
$t->wait_for(sub { $t->error_log =~ /refused to give back.*OOM/ },
             'the refusal');
is $t->avail($d), 90_000_000, 'while Redis refuses the refund waits';
$t->r('CONFIG', 'SET', 'maxmemory', 0);
given_back($d, 100_000_000, 'and comes when Redis takes it');

my $e = $t->customer(avail => 100);
fails_after($e, sub { $t->r('SAVE'); $t->redis_stop('KILL') });
$t->redis_start;
given_back($e, 100_000_000, 'a refund outlives a Redis that is away');
is scalar(grep { $_->{k} eq 'refund' } events($t, $e->{account})), 1,
    'and comes once';

my $h = $t->customer(avail => 100);
fails_after($h, sub { $t->r('HSET', Tollgate::wallet_key($h->{account}), 'epoch', 2) });
ok $t->wait_for(sub {
    grep { $_->{k} eq 'void' } events($t, $h->{account})
}, 'the void'), 'in another epoch the ledger is asked to give back';
is scalar(grep { $_->{k} eq 'refund' } events($t, $h->{account})), 0, 'and nothing else does';

my $f = $t->customer(avail => 100);
$t->wait_for(sub { $t->call($f, 'GET', '/x?status=500')->{status} == 500 },
             'the gate to recover');
given_back($f, 100_000_000, 'the gate goes on');
fails_after($f, sub { $t->r('DEL', Tollgate::wallet_key($f->{account})) });
ok $t->wait_for(sub {
    $t->error_log =~ /$f->{account}.* is not given back/
}, 'the log to tell'), 'a refund without a wallet is logged and dropped';

done_testing;
