#!/usr/bin/perl
# A location without "tollgate" answers byte for byte as an nginx that has no
# such module, also beside one that is gated.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Tollgate::Edge;

my $locations = <<'CONF';
        root %%DIR%%/html;
        add_header X-Id-Length $request_length;
        location /static { }
        location /backend { proxy_pass http://unix:%%DIR%%/nginx-back.sock; }
        location /refused { deny all; }
        location /page { error_page 404 =200 /static/file;
                         proxy_intercept_errors on;
                         proxy_pass http://unix:%%DIR%%/nginx-back.sock; }
        location /away { proxy_pass http://unix:%%DIR%%/nonexistent.sock; }
        location /moved { return 302 /static/file; }
        location /mirrored { mirror /static/file; alias %%DIR%%/html/static; }
CONF
my $backend = <<'CONF';
    server {
        listen unix:%%DIR%%/nginx-back.sock;
        location / {
            if ($arg_status = 404) { return 404 "nothing\n"; }
            if ($arg_status = 503) { return 503 "busy\n"; }
            return 200 "$request $http_authorization $http_x_api_key
                $http_tollgate_account $http_cookie\n";
        }
    }
CONF

my $gated = Tollgate::Edge->begin(http => $backend, conf => <<"CONF");
$locations
        location /gated { tollgate on; tollgate_cost 1; }
CONF
my $bare = Tollgate::Edge->new;
$bare->nginx(<<"CONF", bare => 1);
    $backend
    server {
        listen unix:%%DIR%%/nginx.sock;
        $locations
    }
CONF

for my $t ($gated, $bare) {
    mkdir "$t->{dir}/$_" for 'html', 'html/static';
    $t->spew('html/static/file', "static\n");
    utime 1e9, 1e9, "$t->{dir}/html/static/file";
}

# The whole response as it came, but for what differs by the clock.
sub answer {
    my ($t, $method, $path) = @_;

    my $socket = Tollgate::Http::open_socket("$t->{dir}/nginx.sock");
    print {$socket} "$method $path HTTP/1.1\r\nHost: a\r\n",
        "Connection: close\r\nAuthorization: Bearer tg_live_none\r\n",
        "X-API-Key: none\r\nTollgate-Account: me\r\nCookie: a=b\r\n",
        $path =~ /range/ ? "Range: bytes=1-3\r\n" : (),
        $method eq 'POST' ? "Content-Length: 3\r\n\r\nabc" : "\r\n";
    $socket->flush;
    local $/;

    return readline($socket) =~ s/^Date: .*/Date:/mr;
}

for my $request (
    'GET /static/file', 'HEAD /static/file', 'GET /static/file?range',
    'GET /static/none', 'POST /static/file', 'GET /backend',
    'POST /backend', 'GET /backend?status=404', 'GET /backend?status=503',
    'OPTIONS /backend', 'GET /refused', 'GET /page?status=404', 'GET /away',
    'GET /moved', 'GET /mirrored/file', 'GET /../..', 'TRACE /backend')
{
    my $answer = answer($gated, split ' ', $request);
    like $answer, qr{^HTTP/1.1 \d{3} }, "$request is answered";
    is $answer, answer($bare, split ' ', $request),
        "$request: the same with and without the module";
}

is $gated->get('/gated')->{status}, 401, 'while another location is gated';

done_testing;
