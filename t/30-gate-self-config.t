#!/usr/bin/perl
# tollgate_self in nginx.conf: what it takes and needs, and which locations have
# it from one around them.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Tollgate::Edge;

my $zone = 'tollgate_zone catalog:1m;';
my $redis = 'tollgate_redis unix:/tmp/none.sock;';
my $t = Tollgate::Edge->new;

for my $row (
    ['tollgate_self', qr/in\b/, "$zone $redis"],
    ['tollgate_self quota apps x', qr/in\b/, "$zone $redis"],
    ['tollgate_self balance', qr/"quota", "apps" or "models"/, "$zone $redis"],
    ['tollgate_self models', qr/"models" and an app/, "$zone $redis"],
    ['tollgate_self quota $app', qr/"models" and an app/, "$zone $redis"],
    ['tollgate_self quota; tollgate_self apps', qr/is duplicate/,
     "$zone $redis"],
    ['tollgate_self quota', qr/needs "tollgate_redis"/, $zone],
    ['tollgate_self quota', qr/needs "tollgate_zone"/, $redis],
) {
    my ($text, $message, $http) = @$row;

    my ($ok, $out) = $t->nginx_test("$http
        server { listen unix:%%DIR%%/nginx.sock; location / {\n$text;\n} }");
    ok !$ok, "$text is refused";
    like $out, qr/\[emerg\].*"tollgate_self".*$message/,
        'and the message says why';
    like $out, qr/test\.conf:\d/, 'and where';
}
$t->finish;

# Blocks without a URI are the same place; a location inside is another one.
$t = Tollgate::Edge->begin(conf => <<'CONF');
        location /free {
            tollgate_self quota;
            if ($arg_if) { set $seen 1; }
            limit_except GET { allow all; }
            location /free/inner { proxy_pass http://backend; }
        }
CONF
my $c = $t->customer(avail => 3);
is $t->call($c, 'GET', $_)->{json}{balance}, '3', "$_ answers"
    for '/free', '/free?if=1';
is $t->get('/free?if=1')->{status}, 401, 'and needs a key';
is $t->call($c, 'POST', '/free')->{status}, 405,
    'in limit_except the methods are those of the place';
is $t->get('/free/inner')->{json}{uri}, '/free/inner',
    'a location inside is what it was without the one around it';

done_testing;
