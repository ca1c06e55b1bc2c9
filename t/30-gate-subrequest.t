#!/usr/bin/perl
# Subrequests belong to the request that was decided: they need no key, cost
# nothing, and their failures give nothing back.

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
        location / { proxy_pass http://backend; }
        location /part {
            tollgate_cost 50;
            proxy_pass http://unix:%%DIR%%/nginx-part.sock;
        }
        location /mirror {
            mirror /part/a;
            mirror /part/b;
            proxy_pass http://backend;
        }
        location /mirror-fails {
            mirror /no/500;
            proxy_pass http://backend;
        }
        location /mirror-static/ { mirror /part/a; alias %%DIR%%/html/; }
        location /ssi/ { ssi on; }
        location /around {
            add_before_body /part/a;
            add_after_body /part/b;
            addition_types *;
            proxy_pass http://backend;
        }
        location /asks {
            auth_request /part/a;
            proxy_pass http://backend;
        }
        location /no/ { proxy_pass http://unix:%%DIR%%/nginx-part.sock; }
        location /asks-no {
            auth_request /no/403;
            proxy_pass http://backend;
        }
        location /asks-broken {
            auth_request /no/500;
            proxy_pass http://backend;
        }
        location /slices {
            slice 1k;
            proxy_cache slices;
            proxy_cache_key $uri$slice_range;
            proxy_cache_valid 200 206 1h;
            proxy_set_header Range $slice_range;
            proxy_http_version 1.1;
            proxy_pass http://unix:%%DIR%%/nginx-part.sock:/file;
        }
        location /after { post_action /part/a; proxy_pass http://backend; }
        location /after-fails {
            post_action /no/500;
            proxy_pass http://backend;
        }
        location /after-open {
            tollgate off;
            post_action /part/a;
            proxy_pass http://backend;
        }
CONF
    proxy_cache_path %%DIR%%/cache keys_zone=slices:1m use_temp_path=off;
    log_format part '$uri';
    server {
        listen unix:%%DIR%%/nginx-part.sock;
        root %%DIR%%/html;
        access_log %%DIR%%/part.log part;
        location / {
            if ($uri = /no/403) { return 403; }
            if ($uri = /no/500) { return 500; }
            if ($arg_fail) { return 500; }
            return 200 "part\n";
        }
        location = /file { }
    }
HTTP
mkdir "$t->{dir}/html";
mkdir "$t->{dir}/html/ssi";
$t->spew('html/file', 'x' x 4500);
$t->spew('html/ssi/page.html', join '', map {
    "<!--# include virtual=\"/part/$_\" wait=\"yes\" -->"
} 'a', 'b?fail=1', 'c');

sub parts { return scalar(() = $t->slurp('part.log') =~ /\n/g) }

my $once = '1 charged, 0 refunded, 90 left';

# path, status, how many subrequests reach their backend
my @rows = (
    ['/mirror', 200, 2],
    ['/mirror-fails', 200, 1],
    ['/mirror-static/file', 200, 1],
    ['/ssi/page.html', 200, 3],
    ['/around', 200, 2],
    ['/asks', 200, 1],
    ['/slices', 200, 5],
    ['/after', 200, 1],
    ['/after-fails', 200, 1],
);
for my $row (@rows) {
    my ($path, $status, $parts) = @$row;

    push @$row, my $c = $t->customer(avail => 100);
    my $before = parts();
    my $r = $t->call($c, 'GET', $path);
    is "$r->{status} $r->{headers}{'tollgate-cost'}", "$status 10",
        "$path is answered with $status and its own price";
    $t->wait_for(sub { parts() == $before + $parts },
                 "$path: $parts subrequests");
}
is tally($t, $_->[3], 1), $once, "$_->[0]: $once" for @rows;

# who is refused causes none
my $before = parts();
is $t->get($_->[0])->{status}, 401, "$_->[0] needs a key"
    for grep { $_->[0] ne '/asks' } @rows;
is $t->get('/part')->{status}, 401, 'and so does what they include';
is parts(), $before + 2, 'subrequests of a refusal are the post_actions alone';

# an auth_request that refuses is ahead of the gate
my $c = $t->customer(avail => 100);
is $t->call($c, 'GET', '/asks-no')->{status}, 403, 'auth_request refuses';
is $t->call($c, 'GET', '/asks-broken')->{status}, 500, 'or fails';
is $t->get('/after-open')->{status}, 200,
    'a post_action of an open location needs no key';
$t->call($c, 'GET', '/after-open');
is scalar events($t, $c->{account}), 0, 'and nobody paid for any of it';

done_testing;
