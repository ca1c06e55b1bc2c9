#!/usr/bin/perl
# A request that passed the gate and is stopped by another module, in the
# location of an internal redirect: nothing was delivered, so it is given back.

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
        location /nonexistent { return 404; }
        location = /page.html { }
        location /no { internal; proxy_pass http://backend/?status=403; }

        location /open { try_files /x @open; }
        location @open { proxy_pass http://backend; }
        location /denied { try_files /x @denied; }
        location @denied { deny all; proxy_pass http://backend; }
        location /read-only { try_files /x @read_only; }
        location @read_only {
            limit_except GET { deny all; }
            proxy_pass http://backend;
        }
        location /password { try_files /x @password; }
        location @password {
            auth_basic area;
            auth_basic_user_file %%DIR%%/nobody;
            proxy_pass http://backend;
        }
        location /asks { try_files /x @asks; }
        location @asks { auth_request /no; proxy_pass http://backend; }
        location /limited { try_files /x @limited; }
        location @limited {
            limit_req zone=slow;
            limit_req_status 429;
            proxy_pass http://backend;
        }
        location /large { try_files /x /small; }
        location /small {
            client_max_body_size 1;
            proxy_pass http://backend;
        }
        location /return { try_files /x @return; }
        location @return { return 410 "gone\n"; }
        location /moved { try_files /x @moved; }
        location @moved { return 301 /elsewhere; }
        location /accel { proxy_pass http://unix:%%DIR%%/nginx-accel.sock; }
        location /protected { internal; deny all; }
        location /files { internal; alias %%DIR%%/html; }
        location /paged { try_files /x @paged; }
        location @paged { error_page 403 /page.html; deny all; }
        location /login { try_files /x @login; }
        location @login { error_page 403 =302 /page.html; deny all; }

        location /json { error_page 404 @json; proxy_pass http://backend; }
        location @json { return 404 "{}\n"; }
        location /rewritten {
            error_page 404 /rewrite;
            proxy_pass http://backend;
        }
        location /rewrite { rewrite ^ /page.html last; }
        location /static { }
CONF
    limit_req_zone $host zone=slow:32k rate=1r/m;
    server {
        listen unix:%%DIR%%/nginx-accel.sock;
        location / {
            add_header X-Accel-Redirect /$arg_to;
            return 200 "";
        }
    }
HTTP
mkdir "$t->{dir}/html";
$t->spew('html/page.html', "page\n");
$t->spew('nobody', '');

my ($once, $back) = ('1 charged, 0 refunded, 90 left',
                     '1 charged, 1 refunded, 100 left');

# path, status, what it costs in the end
my @rows = (
    ['/open', 200, $once],
    ['/denied', 403, $back],
    ['/read-only', 403, $back],
    ['/password', 401, $back],
    ['/asks', 403, $back],
    ['/limited', 200, $once],
    ['/limited?again', 429, $back],
    ['/large', 413, $back],
    ['/return', 410, $back],
    ['/moved', 301, $back],
    ['/accel?to=protected', 403, $back],
    ['/paged', 403, $back],
    ['/login', 302, $back],

    # what a backend or a file had to say counts by its status
    ['/accel?to=files/page.html', 200, $once],
    ['/accel?to=files/nothing', 404, $once],
    ['/json?status=404', 404, $once],
    ['/rewritten?status=404', 404, $once],
    ['/static/nothing', 404, $once],
    ['/page.html', 405, $once],
);
for my $row (@rows) {
    my ($path, $status) = @$row;

    push @$row, my $c = $t->customer(avail => 100);
    my $r = $t->request('POST', $path, { 'X-API-Key' => $c->{key} }, 'body');
    is $r->{status}, $status, "$path is answered with $status";
    is $r->{headers}{'tollgate-cost'}, $row->[2] eq $once ? 10 : 0,
        "$path: its headers tell the cost";
}
is tally($t, $_->[3], 1), $_->[2], "$_->[0]: $_->[2]" for @rows;

# ahead of the gate the same costs nothing in the first place
my $c = $t->customer(avail => 100);
is $t->call($c, 'GET', '/protected')->{status}, 404,
    'a location that is internal is not there for clients';
is $t->call($c, 'GET', '/nonexistent')->{status}, 404, 'nor what is refused';
is scalar events($t, $c->{account}), 0, 'and was never charged';

done_testing;
