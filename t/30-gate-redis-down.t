#!/usr/bin/perl
# Redis is not there when nginx starts, comes, is killed, comes again: requests
# get what tollgate_on_error says, at once, and the gate recovers by itself.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Time::HiRes qw(time);
use Tollgate::Edge;

my $t = Tollgate::Edge->begin(redis => 0, workers => 2, conf => <<'CONF');
        tollgate on;
        tollgate_timeout 20s;
        tollgate_cost 10;
        location / { proxy_pass http://backend; }
        location /open {
            tollgate_on_error open;
            tollgate_user $http_x_user;
            proxy_pass http://backend;
        }
        location /hand {
            tollgate_on_error open;
            proxy_pass http://unix:%%DIR%%/hand.sock;
        }
        location /feature {
            tollgate_feature image.generate;
            proxy_pass http://backend;
        }
CONF

my $key = Tollgate::make_key('Edge000001', sprintf '%032d', 1);
my %key = ('X-API-Key' => $key);
my $c;

# Answers come long before tollgate_timeout.
sub at_once {
    my ($what, $code) = @_;

    my $start = time;
    my $value = $code->();
    cmp_ok time - $start, '<', 5, "$what at once";

    return $value;
}

sub refused {
    my ($when) = @_;

    my $r = at_once("$when: refused", sub { $t->get('/', %key) });
    is "$r->{status} $r->{json}{code}", '503 store_unreachable',
        "$when requests are refused";
    is $r->{headers}{'retry-after'}, 1, "$when: with a time to come again";

    $r = at_once("$when: open", sub {
        $t->get('/open', %key, 'Tollgate-Account' => 'Evil000000',
                'X-User' => 'u')
    });
    is $r->{status}, 200, "$when they pass where the gate fails open";
    is $r->{json}{account}, '', "$when the backend is told no account then";
    is $r->{json}{user}, 'u', "$when it is told the user";
    is $r->{headers}{'tollgate-cost'}, undef, "$when no cost is told";
    like $r->{headers}{'x-request-id'}, qr/^[0-9a-f]{32}$/,
        "$when the request can be named";

    is $t->get('/open')->{status}, 401, "$when a key is needed even so";
    is $t->get('/open', 'X-API-Key' => 'bad')->{status}, 401,
        "$when a well-formed one";
}

refused('before Redis has started');

my $listener = $t->listener('hand');
my $socket = $t->send_request({ key => $key }, 'GET', '/hand');
my ($backend, $head) = $t->accepted($listener);
print {$backend} "HTTP/1.0 200 OK\r\n\r\n";
close $backend;
is Tollgate::Http::read_response($socket)->{status}, 200, 'failing open';
unlike $head, qr/\Q$key\E/, 'does not hand the key over';

# Redis comes, at first without what the worker puts there
$t->redis;
$t->wait_for(sub {
    $t->get('/', %key)->{status} == 503 && $t->get('/open', %key)
        && (() = $t->error_log =~ /connected to redis/g) >= 2
}, 'nginx to connect');
is $t->get('/', %key)->{json}{code}, 'store_unreachable',
    'an empty Redis is one that is not loaded yet';
is $t->get('/feature', %key)->{json}{code}, 'store_unreachable',
    'nor is there a price without a catalog';

$c = $t->customer(avail => 1000);
is $c->{key}, $key, 'the account comes';
is $t->get('/', %key)->{status}, 200, 'a price of its own needs no catalog';
$t->catalog(@Tollgate::Edge::CATALOG);
$t->wait_for(sub { $t->get('/feature', %key)->{status} == 200 },
             'the catalog to be found');

my $before = $t->avail($c);
is $t->get('/', %key)->{status}, 200, 'requests pass';
is $before - $t->avail($c), 10_000_000, 'and are charged';

# it is killed, twice, and comes again
for my $round (1, 2) {
    $t->redis_stop('KILL');
    refused("after it was killed ($round)");
    my $all = at_once("all of 50 ($round)", sub {
        [$t->parallel(map { ['GET', '/', \%key] } 1 .. 50)]
    });
    is scalar(grep { $_->{status} == 503 } @$all), 50,
        "a crowd is refused ($round)";

    $t->redis_start;
    $t->plan('payg');
    $t->wallet($c->{account}, avail => 1_000_000_000);
    $t->r('HSET', Tollgate::wallet_key($c->{account}), 'a:app_0000000001',
          'active', 'k:' . Digest::SHA::sha256_hex($key),
          'key_0000000001 app_0000000001 active 0');
    $t->wait_for(sub {
        2 + 2 * $round == (() = $t->error_log =~ /connected to redis/g)
    }, 'both processes to connect again');
    is $t->get('/', %key)->{status}, 200, "the gate recovers ($round)";
}

my @lines = grep { /\[(?:error|crit)\]/ } split /\n/, $t->error_log;
my %second;
$second{ join ' ', (split ' ')[1, 3] }++ for @lines;
cmp_ok scalar @lines, '>', 0, 'an unreachable Redis is logged';
is scalar(grep { $_ > 12 } values %second), 0,
    'but not for every request of a second';
like "@lines", qr/unix:\S+redis\.sock failed \(2: No such file/,
    'and it says which Redis it is, and why';
unlike $t->error_log, qr/\Q$key\E/, 'no key is in the log';

done_testing;
