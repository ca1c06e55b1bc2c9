#!/usr/bin/perl
# tollgate_redis: password, user, database, several servers; a wrong password is
# told in the log without telling it.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Tollgate::Edge;
use Tollgate::Gate;

my $secret = 'hush-9f8e7d6c';
my $file = Tollgate->new;
my $password_file = $file->spew('redis.password', "$secret\n");
chmod 0600, $password_file;

my $t = Tollgate::Edge->begin(redis => { requirepass => $secret },
    address => "unix:%%DIR%%/redis.sock password_file=$password_file",
    conf => <<"CONF");
        tollgate on;
        tollgate_cost 10;
        location / { proxy_pass http://backend; }
        location /password {
            tollgate_redis unix:%%DIR%%/redis.sock password=$secret;
            proxy_pass http://backend;
        }
        location /user {
            tollgate_redis unix:%%DIR%%/redis.sock user=gate password=of-gate;
            proxy_pass http://backend;
        }
        location /database {
            tollgate_redis unix:%%DIR%%/redis.sock password=$secret database=3;
            proxy_pass http://backend;
        }
        location /wrong {
            tollgate_redis unix:%%DIR%%/redis.sock password=wrong-1a2b3c;
            proxy_pass http://backend;
        }
        location /without {
            tollgate_redis unix:%%DIR%%/redis.sock;
            proxy_pass http://backend;
        }
        location /wrong-user {
            tollgate_redis unix:%%DIR%%/redis.sock user=nobody password=$secret;
            proxy_pass http://backend;
        }
        location /tcp {
            tollgate_redis 127.0.0.1:1 connect_timeout=100ms;
            proxy_pass http://backend;
        }
CONF

my $c = $t->customer(avail => 1000);
$t->r('ACL', 'SETUSER', 'gate', 'on', '>of-gate', '~*', '+@all');

my $before = $t->avail($c);
for my $path ('/', '/password', '/user') {
    $t->wait_for(sub { $t->call($c, 'GET', $path)->{status} != 503 },
                 "$path to connect");
    is $t->call($c, 'GET', $path)->{status}, 200, "$path is let in";
}
is $t->avail($c) % 10_000_000, 0, 'and charged there';
cmp_ok $t->avail($c), '<=', $before - 60_000_000, 'each time';

# the account is not in that database
$before = snapshot($t, $c->{account});
is $t->call($c, 'GET', '/database')->{json}{code}, 'store_unreachable',
    'another database is another store';
$t->r('SELECT', 3);
$t->plan('payg');
is $t->call($c, 'GET', '/database')->{json}{code}, 'key_unknown',
    'that knows other accounts';
$t->wallet($c->{account}, avail => 50_000_000);
$t->r('HSET', Tollgate::wallet_key($c->{account}), 'a:app_0000000001',
      'active', 'k:' . key_hash($c->{key}), 'k app_0000000001 active 0');
is $t->call($c, 'GET', '/database')->{status}, 200, 'with wallets of their own';
is $t->avail($c), 40_000_000, 'that are charged';
$t->r('SELECT', 0);
is snapshot($t, $c->{account}), $before, 'alone';

for my $path ('/wrong', '/without', '/wrong-user', '/tcp') {
    my $r = $t->call($c, 'GET', $path);
    is "$r->{status} $r->{json}{code}", '503 store_unreachable',
        "$path is not let in";
}
my $log = $t->error_log;
like $log, qr/WRONGPASS.*hint.*password/s, 'a wrong password is logged';
unlike $log, qr/\Q$secret\E|wrong-1a2b3c|of-gate/,
    'without any password in the log';
like $log, qr/tollgate: redis "127\.0\.0\.1:1"/, 'and a server that is away';

# the password is changed under a connection
$t->r('CONFIG', 'SET', 'requirepass', 'another-one');
$t->r('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
$t->wait_for(sub { $t->call($c, 'GET', '/')->{status} == 503 },
             'the gate to notice');
is $t->call($c, 'GET', '/')->{json}{code}, 'store_unreachable',
    'a password that was changed shuts the gate';
$t->r('CONFIG', 'SET', 'requirepass', $secret);
$t->wait_for(sub { $t->call($c, 'GET', '/')->{status} == 200 },
             'the gate to come in again');
is $t->call($c, 'GET', '/')->{status}, 200, 'until it fits again';

# without the patience that it has for records of a server that is away
$t->nginx_stop('TERM');

done_testing;
