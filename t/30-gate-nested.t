#!/usr/bin/perl
# Each directive is inherited by nested locations, and overridden for a location
# and those below it.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Tollgate::Edge;
use Tollgate::Gate;

# directive, value of the server, value of a nested location, what is seen of
# either, what is asked, how it is seen
my @rows = (
    ['charge_on', '2xx', '2xx 404', '0', '10', '?status=404', \&cost],
    ['cost', '4', '3', '4', '3', '', \&cost],
    ['feature', 'image.generate', 'video.view', '10', '2.5', '', \&cost],
    ['headers', 'credits', 'off', '10', 'none', '', \&cost],
    ['key', '$http_x_a', '$http_x_b', '200', '401', '', \&status],
    ['model', '""', 'app:standard', '10', '20', '', \&cost],
    ['on_error', 'closed', 'open', '503', '200', '', \&status,
     'tollgate_redis unix:%%DIR%%/nonexistent.sock;'],
    ['redis', 'unix:%%DIR%%/redis.sock', 'unix:%%DIR%%/nonexistent.sock',
     '200', '503', '', \&status],
    ['strip_key', 'on', 'off', '-', 'key', '', \&handed],
    ['tier', 'free', 'pro', '200', '403', '', \&status],
    ['topup_url', 'http://a/', 'http://b/', 'http://a/', 'http://b/', '',
     member('topup_url'), 'tollgate_cost 5000;'],
    ['upgrade_url', 'http://a/', 'http://b/', 'http://a/', 'http://b/', '',
     member('upgrade_url'), 'tollgate_tier pro;'],
    ['user', 'somchai', 'malee', 'somchai', 'malee', '', \&user],
);

my ($t, $c);

sub ask {
    my ($path) = @_;

    return $t->get($path, 'X-A' => $c->{key}, 'X-API-Key' => $c->{key});
}

sub status { return ask(@_)->{status} }

sub cost { return ask(@_)->{headers}{'tollgate-cost'} // 'none' }

sub user { return ask(@_)->{headers}{'x-user'} }

sub handed { return ask(@_)->{headers}{'x-handed'} ? 'key' : '-' }

sub member {
    my ($name) = @_;

    return sub { return ask(@_)->{json}{$name} };
}

# A server of its own for each: a location that inherits, one that overrides,
# and one below it.
sub server {
    my ($name, $outer, $inner, $more) = @_;

    my $key = $name eq 'key' ? '' : 'tollgate_key $http_x_a;';
    my $feature = $name eq 'feature' ? '' : 'tollgate_feature image.generate;';
    my $pass = 'proxy_pass http://unix:%%DIR%%/nginx-echo.sock;';

    return <<"CONF";
    location /$name {
        tollgate on; $key $feature $more
        tollgate_$name $outer;
        location /$name/same { $pass }
        location /$name/over {
            tollgate_$name $inner;
            $pass
            location /$name/over/deep { $pass }
        }
    }
CONF
}

$t = Tollgate::Edge->begin(http => <<'HTTP', conf => join '', <<'CONF', map {
    server {
        listen unix:%%DIR%%/nginx-echo.sock;
        add_header X-User $http_tollgate_user always;
        add_header X-Handed $http_x_a always;
        location / {
            if ($arg_status = 404) { return 404; }
            return 200 "{}\n";
        }
    }
HTTP
        location /gated {
            tollgate on;
            tollgate_feature image.generate;
            proxy_pass http://backend;
            location /gated/off {
                tollgate off;
                proxy_pass http://backend;
                location /gated/off/on {
                    tollgate on;
                    proxy_pass http://backend;
                }
            }
            location /gated/quick {
                tollgate_timeout 50ms;
                proxy_pass http://backend;
            }
            location /gated/patient {
                tollgate_timeout 10s;
                proxy_pass http://backend;
            }
        }
CONF
    server(@$_[0 .. 2], $_->[7] // '')
} @rows);
$c = $t->customer(avail => 1000);

for my $row (@rows) {
    my ($name, $outer, $inner, $seen, $other, $args, $code) = @$row;

    is $code->("/$name/same$args"), $seen, "tollgate_$name is inherited";
    is $code->("/$name/over$args"), $other, "tollgate_$name is overridden";
    is $code->("/$name/over/deep$args"), $other,
        "tollgate_$name is inherited from there";
}

# tollgate itself, and what it counts
my $one = $t->customer(avail => 100);
is $t->call($one, 'GET', $_)->{status}, 200, "$_ passes"
    for '/gated', '/gated/off', '/gated/off/on';
is $t->get('/gated/off')->{status}, 200, 'off needs no key';
is $t->get($_)->{status}, 401, "$_ does" for '/gated', '/gated/off/on';
is tally($t, $one, 2), '2 charged, 0 refunded, 80 left',
    'both gated ones are charged, the one between is not';

# tollgate_timeout
kill 'STOP', $t->{redis_pid};
my $patient = $t->send_request($one, 'GET', '/gated/patient');
is $t->call($one, 'GET', '/gated/quick')->{status}, 503,
    'a short tollgate_timeout has passed';
kill 'CONT', $t->{redis_pid};
is Tollgate::Http::read_response($patient)->{status}, 200,
    'while a long one has not';
$t->wait_for(sub { $t->avail($one) == 70_000_000 }, 'any refund');
is $t->avail($one), 70_000_000, 'which alone is charged';

# a graceful stop would wait for the Redis that isn't there
$t->nginx_stop('TERM');

done_testing;
