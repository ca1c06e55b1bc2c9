#!/usr/bin/perl
# Which outcomes are charged: by default all but a backend that failed or was
# not reached, and a client that left before it got anything.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Tollgate::Edge;
use Tollgate::Gate;

my $t = Tollgate::Edge->begin(conf => <<'CONF', http => <<'HTTP');
        tollgate on;
        tollgate_feature image.generate;
        root %%DIR%%/html;
        location / { proxy_pass http://backend; }
        location /away { proxy_pass http://unix:%%DIR%%/nonexistent.sock; }
        location /page { error_page 500 502 =200 /sorry.html;
                         proxy_intercept_errors on;
                         proxy_pass http://backend; }
        location /only {
            tollgate_charge_on 2xx;
            proxy_pass http://backend;
        }
        location /code {
            tollgate_charge_on 2xx 404 503;
            proxy_pass http://backend;
        }
        location /all {
            tollgate_charge_on 2xx 3xx 4xx 5xx;
            proxy_pass http://backend;
            location /all/away {
                proxy_pass http://unix:%%DIR%%/nonexistent.sock;
            }
        }
        location /next {
            proxy_next_upstream error http_500;
            proxy_pass http://pair;
        }
        location /static { }
        location /mirrored { mirror /mirror; alias %%DIR%%/html/static; }
        location = /mirror { internal; tollgate off; return 204; }
        location = /sorry.html { }
        location /moved { rewrite ^ /static/file redirect; }
CONF
    upstream pair {
        server unix:%%DIR%%/nonexistent.sock max_fails=0;
        server unix:%%DIR%%/nginx-backend.sock max_fails=0 backup;
    }
HTTP
mkdir "$t->{dir}/html";
mkdir "$t->{dir}/html/static";
$t->spew('html/static/file', "static\n");
$t->spew('html/sorry.html', "sorry\n");
$t->plan('subscription', mode => 'subscription', day => 100, month => 100);

# path, status, whether it is charged in the end
my @rows = (
    ['/x', 200, 1],
    ['/x?status=404', 404, 1],
    ['/x?status=500', 500, 0],
    ['/x?status=503', 503, 0],
    ['/away', 502, 0],
    ['/page?status=500', 200, 0],
    ['/only', 200, 1],
    ['/only?status=404', 404, 0],
    ['/only?status=500', 500, 0],
    ['/code', 200, 1],
    ['/code?status=404', 404, 1],
    ['/code?status=503', 503, 1],
    ['/code?status=500', 500, 0],
    ['/all', 200, 1],
    ['/all?status=500', 500, 1],
    ['/all/away', 502, 1],
    ['/next', 200, 1],
    ['/next?status=500', 500, 0],
    ['/static/file', 200, 1],
    ['/static/nothing', 404, 1],
    ['/mirrored/file', 200, 1],
);
my $credit = 10_000_000;

# all of them first, since records are written in batches
my %who;
for my $row (@rows) {
    my ($path, $status) = @$row;

    for my $plan ('payg', 'subscription') {
        my $c = $t->customer(avail => 100, plan => $plan);
        $who{"$plan $path"} = $c;
        is $t->call($c, 'GET', $path)->{status}, $status,
            "$plan: $path is answered with $status";
    }
}

for my $row (@rows) {
    my ($path, $status, $charged) = @$row;

    for my $plan ('payg', 'subscription') {
        my $c = $who{"$plan $path"};
        my @expected = $charged ? 'charge' : ('charge', 'refund');
        $t->used($c->{account}, 1);
        $t->wait_for(sub { events($t, $c->{account}) >= @expected },
                     "the events of $path");
        my @events = events($t, $c->{account});
        is_deeply [map { $_->{k} } @events], \@expected,
            "$plan: $path is " . ($charged ? 'charged' : 'refunded');

        my $left = 100 * 1_000_000
            - ($plan eq 'payg' && $charged ? $credit : 0);
        is $t->avail($c), $left, "$plan: credits are as they should be";

        my $used = $t->r('HGET', Tollgate::wallet_key($c->{account}),
                         'day_used') // 0;
        is $used, $plan eq 'subscription' && $charged ? 1 : 0,
            "$plan: and units";

        my ($record) = $t->usage($c->{account});
        is $record->{refunded}, $charged ? 0 : 1,
            "$plan: usage says whether it was given back";
        next if $charged;

        my ($charge, $refund) = map { $_->{i} } @events;
        is $refund, $charge, "$plan: a refund gives back what was charged";
        is $events[1]{v}, $left, "$plan: and tells the balance after";
    }
}

# a redirect of nginx itself is answered before the gate is asked
my $c = $t->customer(avail => 100);
is $t->call($c, 'GET', '/moved')->{status}, 302,
    'what the rewrite phase answers is not gated';
is $t->avail($c), 100_000_000, 'and costs nothing';

done_testing;
