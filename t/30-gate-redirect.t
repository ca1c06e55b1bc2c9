#!/usr/bin/perl
# A request is decided and charged once, whatever nginx makes of it on its way:
# internal redirects, error pages, subrequests, retries.

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
        access_log %%DIR%%/access.log gate;
        location / { proxy_pass http://backend; }
        location /tried { try_files /nonexistent $uri/ /x; }
        location /named { try_files /nonexistent @named; }
        location @named { proxy_pass http://backend; }
        location /open { tollgate off; try_files /nonexistent /x; }
        location /page {
            error_page 404 = /x;
            proxy_intercept_errors on;
            proxy_pass http://backend/missing?status=404;
        }
        location /pages {
            error_page 404 = @named;
            proxy_intercept_errors on;
            proxy_pass http://backend/missing?status=404;
        }
        location /accel { proxy_pass http://unix:%%DIR%%/nginx-accel.sock; }
        location /index/ { index page.html; }
        location /rewritten { rewrite ^ /x last; }
        location /asks {
            auth_request /asked;
            proxy_pass http://backend;
        }
        location /asked { proxy_pass http://backend; }
        location /asks-no { proxy_pass http://backend/?status=403; }
        location /mirrored {
            mirror /mirror;
            proxy_pass http://backend;
        }
        location /mirror { internal; proxy_pass http://backend; }
        location /ssi/ { ssi on; ssi_types text/plain; }
        location /retried {
            proxy_next_upstream error timeout http_500;
            proxy_pass http://pair;
        }
        location /loop { try_files /nonexistent /loop2; }
        location /loop2 { try_files /nonexistent /x; }
        location /sold-out {
            error_page 402 /sold-out.html;
            proxy_pass http://backend;
        }
        location = /sold-out.html { }
        location /any {
            satisfy any;
            allow all;
            proxy_pass http://backend;
        }
        location /denied { deny all; proxy_pass http://backend; }
        location /forbidden {
            auth_request /asks-no;
            proxy_pass http://backend;
        }
        location /read-only {
            limit_except GET { deny all; }
            proxy_pass http://backend;
        }
CONF
    log_format gate '$uri $tollgate_account $tollgate_verdict $tollgate_cost';
    upstream pair {
        server unix:%%DIR%%/nonexistent.sock max_fails=0;
        server unix:%%DIR%%/nginx-backend.sock max_fails=0;
    }
    server {
        listen unix:%%DIR%%/nginx-accel.sock;
        location / {
            add_header X-Accel-Redirect /x;
            return 200 "";
        }
    }
HTTP
mkdir "$t->{dir}/html";
mkdir "$t->{dir}/html/$_" for 'index', 'ssi';
$t->spew('html/index/page.html', "index\n");
$t->spew('html/sold-out.html', "sold out\n");
$t->spew('html/ssi/page.html',
    join '', map { "<!--# include virtual=\"/x?n=$_\" -->" } 1 .. 3);

my $c = $t->customer(avail => 10_000);
my @paths = qw(/x /tried /named /open /page /pages /accel /index/ /rewritten
               /asks /mirrored /ssi/page.html /retried /loop);
my $count = 0;

for my $path (@paths) {
    my $before = $t->avail($c);
    my $r = $t->call($c, 'GET', $path);
    is $r->{status}, 200, "$path passes";
    is $before - $t->avail($c), 10_000_000, "$path is charged once";
    is $r->{headers}{'tollgate-cost'}, '10', "$path: and says so";
    is scalar events($t, $c->{account}), ++$count, "$path: one event";
}
$t->wait_for(sub {
    @paths <= (() = $t->slurp('access.log') =~ / \Q$c->{account}\E pass 10$/gm)
}, 'the log of every request');
is scalar $t->used($c->{account}, scalar @paths), scalar @paths,
    'each request is one usage record';
is scalar(grep { $_->{refunded} == 1 } $t->usage($c->{account})), 0,
    'none of them refunded';

# who gets the key: internal redirects keep what was handed over
for my $path ('/tried', '/named', '/page', '/accel') {
    is $t->call($c, 'GET', $path)->{json}{account}, $c->{account},
        "$path: the backend is told the account";
}

# refused requests don't slip through a redirect
for my $path (@paths) {
    next if $path eq '/open';
    is $t->get($path)->{status}, 401, "$path needs a key";
}
is $t->get('/open')->{status}, 401,
    'a redirect from an open place into a gated one needs a key';

# what nginx forbids is none of the gate's business
my $before = $t->avail($c);
for my $path ('/denied', '/forbidden', '/read-only') {
    is $t->call($c, 'POST', $path)->{status}, 403, "$path is forbidden";
}
is $t->call($c, 'GET', '/read-only')->{status}, 200, 'the rest is not';
is $before - $t->avail($c), 10_000_000, 'and is charged alone';

is $t->get('/any')->{status}, 401, 'satisfy any is no way around the gate';

my $poor = $t->customer;
my $r = $t->call($poor, 'GET', '/sold-out');
is "$r->{status} $r->{body}", "402 sold out\n",
    'error_page can put a page in place of a refusal';
is $r->{headers}{'x-should-retry'}, 'false', 'its headers stay';
is $t->get('/tried', 'X-API-Key' => $poor->{key})->{status}, 402,
    'a redirect is no way around a balance';

done_testing;
