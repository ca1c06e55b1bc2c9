#!/usr/bin/perl
# Every error that Redis can answer a call with: the request is refused as
# undecided, the connection stays, nothing is given back, the log says what to do.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Tollgate::Edge;
use Tollgate::FakeRedis;

my $t = Tollgate::Edge->begin(redis => 0, address => 'unix:%%DIR%%/fake.sock',
    conf => <<'CONF');
        tollgate on;
        tollgate_cost 10;
        tollgate_timeout 5s;
        location / { proxy_pass http://backend; }
        location /open { tollgate_on_error open; proxy_pass http://backend; }
CONF
$t->nginx_stop('TERM');
my $fake = Tollgate::FakeRedis->start($t, 'fake');
$t->nginx_start;
my $c = { key => Tollgate::make_key('Edge000001', 'x' x 32) };

my @errors = (
    ["LOADING Redis is loading the dataset in memory", 'Redis is starting'],
    ["BUSY Redis is busy running a script.", 'a script keeps Redis busy'],
    ["OOM command not allowed when used memory > 'maxmemory'.",
     'Redis is at its "maxmemory"'],
    ["READONLY You can't write against a read only replica.",
     'names a replica'],
    ["MASTERDOWN Link with MASTER is down", 'names a replica'],
    ["MOVED 3999 127.0.0.1:6381", 'names a node of a cluster'],
    ["ASK 3999 127.0.0.1:6381", 'see the log of Redis'],
    ["CLUSTERDOWN The cluster is down", 'nodes of the cluster are away'],
    ["TRYAGAIN Multiple keys request during rehashing of slot",
     'see the log of Redis'],
    ["EXECABORT Transaction discarded because of previous errors.",
     'see the log of Redis'],
    ["MISCONF Redis is configured to save RDB snapshots",
     "can't write its snapshot"],
    ["NOAUTH Authentication required.", 'give "password"'],
    ["NOPERM this user has no permissions to run the 'evalsha' command",
     'may not run'],
    ["ERR x", 'see the log of Redis'],
    ["", 'see the log of Redis'],
);

for my $row (@errors) {
    my ($error, $hint) = @$row;

    my ($word) = $error =~ /^(\w*)/;
    my $second = time;
    $t->wait_for(sub { time > $second }, 'the next second, for the log');
    my $from = length $t->error_log;
    $fake->answer("-$error\r\n");
    is $t->call($c, 'GET', '/')->{json}{code}, 'store_unreachable',
        "-$word: a request is refused as undecided";
    is $t->call($c, 'GET', '/open')->{status}, 200,
        "-$word: and passes where the gate fails open";
    like substr($t->error_log, $from),
        qr/refused to decide: "\Q$error\E", hint: .*\Q$hint\E/,
        "-$word: the log says what to do";
}

# Scripts that are gone are loaded once for a call, not again and again.
$fake->answer("-NOSCRIPT No matching script.\r\n");
is $t->call($c, 'GET', '/')->{json}{code}, 'store_unreachable',
    'NOSCRIPT twice: a request is refused as undecided';
my $asked = () = grep { $_ eq 'gate' } $fake->seen;
is $asked, 2 * @errors + 2, 'after it was asked a second time';

is_deeply [grep { /^(void|refund)$/ } $fake->seen], [],
    'what was refused by Redis is not given back';
is scalar(() = $t->error_log =~ /connected to redis/g), 1,
    'the connection is kept all the time';

done_testing;
