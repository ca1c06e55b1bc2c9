#!/usr/bin/perl
# What allowed responses tell: limits, cost, what remains; and what they don't.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Tollgate::Edge;

my $t = Tollgate::Edge->begin(conf => <<'CONF');
        tollgate on;
        tollgate_feature image.generate;
        location / { proxy_pass http://backend; }
        location /legacy {
            tollgate_headers legacy;
            proxy_pass http://backend;
        }
        location /all {
            tollgate_headers ietf legacy credits;
            proxy_pass http://backend;
        }
        location /ietf { tollgate_headers ietf; proxy_pass http://backend; }
        location /credits {
            tollgate_headers credits;
            proxy_pass http://backend;
        }
        location /none { tollgate_headers off; proxy_pass http://backend; }
        location /off { tollgate off; proxy_pass http://backend; }
        location /hand { proxy_pass http://unix:%%DIR%%/hand.sock; }
CONF

$t->plan('limited', mode => 'hybrid', day => 50, month => 1000,
         key_rate => 1_000_000, key_burst => 5, app_rate => 500_000,
         app_burst => 50);
$t->plan('month', mode => 'subscription', month => 1);
my @headers = qw(ratelimit-policy ratelimit x-ratelimit-limit
                 x-ratelimit-remaining x-ratelimit-reset tollgate-cost
                 tollgate-credits-remaining);

sub present {
    my ($r) = @_;

    return join ' ', grep { defined $r->{headers}{$_} } @headers;
}

# payg has no limits to tell
my $c = $t->customer(avail => 100.5);
my $r = $t->call($c, 'GET', '/');
is present($r), 'tollgate-cost tollgate-credits-remaining',
    'without limits only credits are told';
is $r->{headers}{'tollgate-cost'}, '10', 'what the request cost';
is $r->{headers}{'tollgate-credits-remaining'}, '90.5', 'and what remains';
like $r->{headers}{'x-request-id'}, qr/^[0-9a-f]{32}$/, 'with a request id';
is $r->{headers}{'request-id'}, $r->{headers}{'x-request-id'},
    'under both names';
is $r->{headers}{'x-request-id'}, $r->{json}{id},
    'which is the one that the backend got';

$r = $t->call($c, 'GET', '/?status=404');
is $r->{headers}{'tollgate-credits-remaining'}, '80.5',
    'an answer with an error status tells it too';
$r = $t->call($c, 'GET', '/?status=500');
is "$r->{headers}{'tollgate-cost'} $r->{headers}{'tollgate-credits-remaining'}",
    '0 80.5', 'a failure that will be refunded is told as free';

# limits
my $l = $t->customer(plan => 'limited', avail => 100);
$r = $t->call($l, 'GET', '/');
my $h = $r->{headers};
my $days = (gmtime(($t->r('HGET', Tollgate::wallet_key($l->{account}), 'month'))
                   + 32 * 86400))[3];
my $month = (33 - $days) * 86400;
is $h->{'ratelimit-policy'}, '"key";q=5, "app";q=50, "day";q=50;w=86400, '
    . "\"month\";q=1000;w=$month", 'each limit is a policy';
like $h->{ratelimit}, qr/^"key";r=4;t=1, "app";r=49;t=1, "day";r=49;t=\d+, /,
    'and tells what is left of it';
my ($day_t, $month_t) = $h->{ratelimit} =~ /"day".*?t=(\d+).*"month".*?t=(\d+)/;
my $left = 86400 - time % 86400;
ok abs($day_t - $left) <= 2, 'a day ends at midnight UTC';
ok $month_t >= $day_t && $month_t <= $month, 'a month with the month';
is $h->{'tollgate-cost'}, '0', 'quota costs no credits';
is $h->{'tollgate-credits-remaining'}, '100', 'and leaves them';

$r = $t->call($l, 'GET', '/legacy');
is present($r), 'x-ratelimit-limit x-ratelimit-remaining x-ratelimit-reset',
    'tollgate_headers legacy sends the legacy family alone';
is join(' ', map { $r->{headers}{"x-ratelimit-$_"} } qw(limit remaining reset)),
    '5 3 2', 'of the limit that is nearest to its end, in seconds to go';

is present($t->call($l, 'GET', '/ietf')), 'ratelimit-policy ratelimit',
    'tollgate_headers ietf the fields of the IETF alone';
is present($t->call($c, 'GET', '/credits')),
    'tollgate-cost tollgate-credits-remaining',
    'tollgate_headers credits those of credits';
is present($t->call($l, 'GET', '/all')), join(' ', @headers),
    'all of them can be asked for';

# refusals tell limits too
$r = $t->call($l, 'GET', '/') while !$r || $r->{status} != 429;
is present($r), 'ratelimit-policy ratelimit',
    'a refusal tells the limits and no cost';
like $r->{headers}{ratelimit}, qr/^"key";r=0;t=\d+,/,
    'of which one has nothing left';

# none
for my $path ('/none', '/off') {
    $r = $t->call($c, 'GET', $path);
    is present($r) . ($r->{headers}{'x-request-id'} // ''), '',
        "$path adds no header";
}

# a quota that is used up until the month ends
my $m = $t->customer(plan => 'month');
is $t->call($m, 'GET', '/')->{status}, 200, 'the only unit of a month';
$r = $t->call($m, 'GET', '/');
my ($end) = $r->{headers}{ratelimit} =~ /"month";r=0;t=(\d+)/;
is $r->{json}{limit}, 'month', 'the next request is refused by the month';
my ($year, $mon) = (gmtime(time + $end + 5))[5, 4];
is $r->{json}{resets_at}, sprintf('%d-%02d-01T00:00:00Z', $year + 1900,
                                  $mon + 1), 'until the first of the next';
cmp_ok $r->{headers}{'retry-after'}, '<=', 60,
    'Retry-After is never longer than clients wait';
is $r->{headers}{'x-should-retry'}, $end > 60 ? 'false' : undef,
    'and a longer wait is said not to be worth a try';

# a backend with a request id of its own
my $listener = $t->listener('hand');
my $socket = $t->send_request($c, 'GET', '/hand');
my ($backend) = $t->accepted($listener);
print {$backend} "HTTP/1.0 200 OK\r\nX-Request-Id: mine\r\n\r\n";
close $backend;
$h = Tollgate::Http::read_response($socket)->{headers};
is $h->{'x-request-id'}, 'mine', 'the request id of the backend stays';

done_testing;
