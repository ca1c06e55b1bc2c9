#!/usr/bin/perl
# error_page: pages of backends that failed, of refusals, and of requests that
# never came to the gate; none of them makes a request cost more, or less.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Tollgate::Edge;
use Tollgate::Gate;

my $t = Tollgate::Edge->begin(conf => <<'CONF', http => <<'HTTP');
        root %%DIR%%/html;
        tollgate on;
        tollgate_feature image.generate;
        proxy_intercept_errors on;
        access_log %%DIR%%/access.log gate;
        location / { proxy_pass http://backend; }
        location = /page.html { }
        location @page { return 404 "page\n"; }
        location @other { proxy_pass http://unix:%%DIR%%/nginx-other.sock; }
        location @away { proxy_pass http://away; }

        location /named { error_page 404 @page; proxy_pass http://backend; }
        location /uri { error_page 404 /page.html; proxy_pass http://backend; }
        location /dressed {
            error_page 500 502 =200 /page.html;
            proxy_pass http://backend;
            location /dressed/away { proxy_pass http://away; }
        }
        location /moved { error_page 500 http://a.test; proxy_pass http://backend; }
        location /again { error_page 500 = @other; proxy_pass http://backend; }
        location /equal { error_page 404 = /page.html; proxy_pass http://backend; }
        location /worse { error_page 404 = @away; proxy_pass http://backend; }
        location /recursive {
            error_page 404 = @recursive;
            recursive_error_pages on;
            proxy_pass http://backend;
        }
        location @recursive {
            error_page 502 = @other;
            recursive_error_pages on;
            proxy_pass http://away;
        }

        location /sold {
            error_page 402 /page.html;
            proxy_pass http://backend;
            location /sold/named { error_page 402 = @page;
                                   proxy_pass http://backend; }
            location /sold/fine { error_page 402 =200 /page.html;
                                  proxy_pass http://backend; }
        }

        location /before {
            error_page 403 404 413 /page.html;
            location /before/denied { deny all; proxy_pass http://backend; }
            location /before/small { client_max_body_size 1; }
            location /before/gone { return 404; }
            location /before/named { error_page 403 = @other; deny all; }
            location /before/kept { error_page 403 @other; deny all; }
        }
CONF
    upstream away { server unix:%%DIR%%/nonexistent.sock; }
    log_format gate '$uri $tollgate_verdict $status $tollgate_cost';
    server {
        listen unix:%%DIR%%/nginx-other.sock;
        location / { return 200 "other\n"; }
    }
HTTP
mkdir "$t->{dir}/html";
$t->spew('html/page.html', "page\n");

my ($once, $back, $free) = ('1 charged, 0 refunded, 90 left',
    '1 charged, 1 refunded, 100 left', '0 charged, 0 refunded, 100 left');

# path, status, body, what it cost, what the answer says that it cost
my @rows = (
    ['/named?status=404', 404, 'page', $once, 10],
    ['/uri?status=404', 404, 'page', $once, 10],
    ['/dressed?status=500', 200, 'page', $back, 0],
    ['/dressed/away', 200, 'page', $back, 0],
    ['/moved?status=500', 302, undef, $back, 0],
    ['/again?status=500', 200, 'other', $once, 10],
    ['/worse?status=404', 502, undef, $back, 0],
    ['/recursive?status=404', 200, 'other', $once, 10],
);
for my $row (@rows) {
    my ($path, $status, $body, undef, $cost) = @$row;

    push @$row, my $c = $t->customer(avail => 100);
    my $r = $t->call($c, 'GET', $path);
    is $r->{status}, $status, "$path is answered with $status";
    is $r->{body}, "$body\n", "$path shows the page" if $body;
    is "$r->{headers}{'tollgate-cost'} "
        . $r->{headers}{'tollgate-credits-remaining'},
        "$cost " . (100 - $cost), "$path: its headers tell the cost";
}
is tally($t, $_->[5], 1), $_->[3], "$_->[0]: $_->[3]" for @rows;

# a refusal keeps its headers and variables behind a page, and costs nothing
for my $row (['/sold', 402], ['/sold/named', 404], ['/sold/fine', 200]) {
    my ($path, $status) = @$row;

    my $poor = $t->customer(avail => 9);
    my $r = $t->call($poor, 'GET', $path);
    is "$r->{status} $r->{body}", "$status page\n", "$path: a refusal's page";
    is $r->{headers}{'x-should-retry'}, 'false', "$path: with its headers";
    is $r->{headers}{'tollgate-cost'}, undef, "$path: and no cost";
    is tally($t, $poor, 1), '0 charged, 0 refunded, 9 left', "$path: is free";
}
$t->wait_for(sub {
    3 == (() = $t->slurp('access.log') =~ /^\S+ credits_exhausted \d+ 0$/gm)
}, 'the verdict in the log');

# what nginx refuses ahead of the gate gets its page, with a key or without
my $c = $t->customer(avail => 100);
for my $row (['/before/denied', 403], ['/before/small', 413],
             ['/before/gone', 404]) {
    my ($path, $status) = @$row;

    for my $headers ({}, { 'X-API-Key' => $c->{key} }) {
        my $r = $t->request('POST', $path, $headers, 'body');
        is "$r->{status} $r->{body}", "$status page\n",
            "$path: the page of an error ahead of the gate";
    }
}
is scalar events($t, $c->{account}), 0, 'such pages cost nothing';
for my $row (['/before/named', 200], ['/before/kept', 403]) {
    my ($path, $status) = @$row;

    my $r = $t->get($path);
    is "$r->{status} $r->{json}{status}", '401 401',
        "$path: a named location serves the request itself, and needs a key";
    my $customer = $t->customer(avail => 100);
    $r = $t->call($customer, 'GET', $path);
    is "$r->{status} $r->{body}", "$status other\n", "$path: which opens it";
    is tally($t, $customer, 1), $once, "$path: $once";
}

# a preflight request is free on its way to a page, too
my $r = $t->request('OPTIONS', '/equal?status=404',
                    { 'Access-Control-Request-Method' => 'POST' });
is "$r->{status} $r->{body}", "200 page\n", 'a page for a preflight request';
is $t->request('OPTIONS', '/equal?status=404', {})->{status}, 401,
    'and for no other';

done_testing;
