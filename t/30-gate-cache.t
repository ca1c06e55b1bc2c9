#!/usr/bin/perl
# What a client gets is charged once, wherever nginx has it from: a cache, a
# stale copy, a part of it, the second backend that was tried.

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
        add_header X-Cache $upstream_cache_status always;
        proxy_cache cache;
        proxy_cache_key $uri;
        location / {
            proxy_cache_revalidate on;
            proxy_pass http://origin;
        }
        location /stale {
            proxy_cache_use_stale error http_500;
            proxy_pass http://origin;
        }
        location /updating {
            proxy_cache_use_stale updating;
            proxy_cache_background_update on;
            proxy_pass http://origin;
        }
        location /unbuffered {
            proxy_request_buffering off;
            proxy_pass http://origin;
        }

        location /next/ {
            proxy_next_upstream error timeout http_502 http_404;
            proxy_pass http://pair/;
        }
        location /never/ {
            proxy_next_upstream off;
            proxy_pass http://pair/;
        }
        location /none/ {
            proxy_next_upstream error http_500;
            proxy_pass http://losers;
        }
CONF
    proxy_cache_path %%DIR%%/cache keys_zone=cache:1m use_temp_path=off;
    log_format origin '$status';
    upstream origin { server unix:%%DIR%%/nginx-origin.sock; }
    upstream pair {
        server unix:%%DIR%%/nginx-broken.sock max_fails=0;
        server unix:%%DIR%%/nginx-backend.sock backup;
    }
    upstream losers {
        server unix:%%DIR%%/nonexistent.sock max_fails=0;
        server unix:%%DIR%%/nginx-broken.sock backup;
    }
    server {
        listen unix:%%DIR%%/nginx-broken.sock;
        return 502;
    }
    server {
        listen unix:%%DIR%%/nginx-origin.sock;
        access_log %%DIR%%/origin.log origin;
        root %%DIR%%/html;
        if (-f %%DIR%%/broken) { return 500; }
        add_header X-Accel-Expires $arg_until;
        location / { try_files /file =404; }
    }
HTTP
mkdir "$t->{dir}/html";
$t->spew('html/file', 'x' x 5000);

sub hits { return scalar(() = $t->slurp('origin.log') =~ /\n/g) }

my ($once, $back) = ('1 charged, 0 refunded, 90 left',
                     '1 charged, 1 refunded, 100 left');
my %known = ('If-None-Match' => '*');
my ($fresh, $stale) = ('until=3600', 'until=@1');

# method, path, headers, status, state of the cache, requests to the origin
# (broken: it answers 500), what it costs
my @rows = (
    ['GET', "/a?$fresh", {}, 200, 'MISS', 1, $once],
    ['GET', "/a?$fresh", {}, 200, 'HIT', 0, $once],
    ['HEAD', "/a?$fresh", {}, 200, 'HIT', 0, $once],
    ['HEAD', "/b?$fresh", {}, 200, 'MISS', 1, $once],
    ['GET', "/a?$fresh", \%known, 304, 'HIT', 0, $once],
    ['GET', "/a?$fresh", { Range => 'bytes=0-9' }, 206, 'HIT', 0, $once],
    ['GET', "/a?$fresh", { Range => 'bytes=9999-' }, 416, 'HIT', 0, $once],
    ['GET', "/again?$stale", {}, 200, 'MISS', 1, $once],
    ['GET', "/again?$stale", {}, 200, 'REVALIDATED', 1, $once],
    ['GET', "/again?$stale", {}, 500, 'EXPIRED', 'broken', $back],
    ['GET', "/stale?$stale", {}, 200, 'MISS', 1, $once],
    ['GET', "/stale?$stale", {}, 200, 'STALE', 'broken', $once],
    ['GET', "/updating?$stale", {}, 200, 'MISS', 1, $once],
    ['GET', "/updating?$stale", {}, 200, 'STALE', 'broken', $once],
    ['GET', "/unbuffered?$fresh", {}, 200, 'MISS', 1, $once],

    # its body never comes
    ['GET', "/unbuffered?$fresh", { 'Content-Length' => 9 }, 200, 'HIT', 0,
     $once],
);
for my $row (@rows) {
    my ($method, $path, $headers, $status, $cache, $hits) = @$row;

    push @$row, my $c = $t->customer(avail => 100);
    my $before = hits();
    $t->spew('broken', '') if $hits eq 'broken';
    my $r = $t->call($c, $method, $path, %$headers);
    my $name = "$method $path: $status $cache";
    like "$r->{status} $r->{headers}{'x-cache'}", qr{^$status $cache\b}, $name;
    is $r->{headers}{'tollgate-cost'}, $row->[6] eq $once ? 10 : 0,
        "$name: its headers tell the cost";
    $t->wait_for(sub { hits() == $before + ($hits ? 1 : 0) },
                 "requests to the origin of $name");
    unlink "$t->{dir}/broken";
}

# backends that fail in turn; status, how many were tried, what it costs
my @retries = (['/next/', 200, 2, $once], ['/next/?status=500', 500, 2, $back],
               ['/next/?status=404', 404, 2, $once],
               ['/never/', 502, 1, $back], ['/none/', 502, 2, $back]);
for my $row (@retries) {
    my ($path, $status) = @$row;

    push @$row, my $c = $t->customer(avail => 100);
    is $t->call($c, 'GET', $path)->{status}, $status,
        "$path is answered with $status";
}

is tally($t, $_->[7], 1), $_->[6], "$_->[0] $_->[1] $_->[4]: $_->[6]"
    for @rows;
is tally($t, $_->[4], 1), $_->[3], "$_->[0], $_->[2] tried: $_->[3]"
    for @retries;

done_testing;
