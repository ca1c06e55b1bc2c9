#!/usr/bin/perl
# Server blocks with Redis servers of their own: each charges its own wallets,
# and one that is down, or silent, is nobody else's affair.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Time::HiRes qw(time);
use Tollgate::Edge;
use Tollgate::Gate;

my @databases = 1 .. 12;

my $t = Tollgate::Edge->begin(conf => <<'CONF', http => <<"HTTP" . join '', map { <<"MANY" } @databases);
        tollgate on;
        tollgate_feature image.generate;
        location / { proxy_pass http://backend; }
        location /other {
            tollgate_redis unix:%%DIR%%/other.sock;
            proxy_pass http://backend;
            location /other/open {
                tollgate_on_error open;
                proxy_pass http://backend;
            }
        }
CONF
    server {
        listen unix:%%DIR%%/nginx-other.sock;
        tollgate_redis unix:%%DIR%%/other.sock;
        tollgate on;
        tollgate_timeout 400ms;
        tollgate_feature image.generate;
        location / { proxy_pass http://backend; }
    }
HTTP
    server {
        listen unix:%%DIR%%/nginx-$_.sock;
        tollgate_redis unix:%%DIR%%/redis.sock database=$_;
        tollgate on;
        tollgate_cost $_;
        location / { proxy_pass http://backend; }
    }
MANY

# What happens to the wallets of another Redis, or of a database.
sub at {
    my ($socket, $database, $code) = @_;

    local $t->{connection} = Tollgate::Resp->new("$t->{dir}/$socket.sock");
    $t->r('SELECT', $database);

    return $code->();
}

sub other { return at('other', 0, @_) }

sub start_other {
    $t->start('other', 0, {}, 'redis-server', '--port', 0, '--save', '',
              '--dir', $t->{dir}, '--unixsocket', "$t->{dir}/other.sock",
              '--unixsocketperm', 777);
    $t->wait_for(sub { other(sub { $t->r('PING') }) }, 'the other Redis');

    return;
}

# The same account and key in all of them.
my $c = $t->customer(avail => 1000);
my %fields = @{ $t->r('HGETALL', Tollgate::wallet_key($c->{account})) };
my $same = sub {
    $t->wallet($c->{account}, %fields, avail => 50_000_000);
    return $t->plan('payg');
};
start_other();
other($same);
at('redis', $_, $same) for @databases;
my %key = ('X-API-Key' => $c->{key});

sub status { return $t->via($_[0], 'GET', $_[1] // '/', \%key)->{status} }

sub home { return $t->get('/', %key)->{status} }

$t->wait_for(sub { status('other') == 200 }, 'the gate to reach the other');

# each its own, refunds too
is home(), 200, 'a request at home';
is status('other', '/?status=500'), 500, 'one that fails elsewhere';
is $t->get('/other', %key)->{status}, 200,
    'a location may have a Redis of its own';
is tally($t, $c, 1), '1 charged, 0 refunded, 990 left', 'home has its own';
is other(sub { tally($t, $c, 3) }), '3 charged, 1 refunded, 30 left',
    'and so has the other, refunds too';

for my $n (@databases) {
    $t->wait_for(sub { status($n) == 200 }, "database $n");
}
is_deeply [map { at('redis', $_, sub { tally($t, $c, 1) }) } @databases],
    [map { '1 charged, 0 refunded, ' . (50 - $_) . ' left' } @databases],
    'twelve servers charge twelve wallets of one account';

# silent: its own requests wait, no others do
kill 'STOP', $t->{processes}{other};
my $waiting = Tollgate::Http::open_socket("$t->{dir}/nginx-other.sock");
print {$waiting} Tollgate::Http::format_request('GET', '/', \%key);
$waiting->flush;
my $start = time;
is join(' ', map { home() } 1 .. 20), join(' ', (200) x 20),
    'while the other is silent, others are served';
cmp_ok time - $start, '<', 0.4, 'at once';
is Tollgate::Http::read_response($waiting)->{status}, 503,
    'a request to the silent one is refused in time';
kill 'CONT', $t->{processes}{other};
$t->wait_for(sub { status('other') == 200 }, 'the other to come back');
my $left = other(sub { $t->avail($c) }) / 1_000_000;

# down: the same, and a location that is open passes
$t->stop('other', 'KILL');
$t->wait_for(sub { status('other') == 503 }, 'the other to be down');
is join(' ', map { home() } 1 .. 20), join(' ', (200) x 20),
    'while the other is down, others are served';
is status(3), 200, 'in each of its databases';
is $t->get('/other', %key)->{status}, 503, 'a location of it is refused';
is $t->get('/other/open', %key)->{status}, 200, 'or passes where it is open';
is tally($t, $c, 41), '41 charged, 0 refunded, 590 left',
    'home is charged for its own alone';

# and when it comes again, empty, it is filled and used at once
start_other();
other($same);
$t->wait_for(sub { status('other') == 200 }, 'the other to be used again');
is other(sub { $t->avail($c) }), 40_000_000, 'from its own wallet';
is $left, 20, 'what was asked of the silent one was not charged';

done_testing;
