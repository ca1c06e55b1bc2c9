#!/usr/bin/perl
# tollgate_error_shape: refusals as the APIs of OpenAI and Anthropic give them,
# member by member, with the statuses and headers that all refusals have.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Tollgate::Edge;

my $t = Tollgate::Edge->begin(conf => <<'CONF');
        tollgate on;
        tollgate_feature image.generate;
        tollgate_upgrade_url https://example.com/up;
        tollgate_topup_url https://example.com/topup;
        tollgate_error_shape openai;
        location /openai {
            proxy_pass http://backend;
            location /openai/pro {
                tollgate_model app:pro;
                proxy_pass http://backend;
            }
            location /openai/model {
                tollgate_model $http_x_model;
                proxy_pass http://backend;
            }
            location /openai/feature { tollgate_feature no; proxy_pass http://backend; }
            location /openai/cost { tollgate_cost $arg_c; proxy_pass http://backend; }
            location /openai/away {
                tollgate_redis unix:%%DIR%%/nowhere.sock;
                proxy_pass http://backend;
            }
        }
        location /anthropic {
            tollgate_error_shape anthropic;
            proxy_pass http://backend;
            location /anthropic/pro {
                tollgate_model app:pro;
                proxy_pass http://backend;
            }
            location /anthropic/model {
                tollgate_model $http_x_model;
                proxy_pass http://backend;
            }
            location /anthropic/feature { tollgate_feature no; proxy_pass http://backend; }
            location /anthropic/cost { tollgate_cost $arg_c; proxy_pass http://backend; }
            location /anthropic/away {
                tollgate_redis unix:%%DIR%%/nowhere.sock;
                proxy_pass http://backend;
            }
        }
        location /problem { tollgate_error_shape problem; proxy_pass http://backend; }
CONF

$t->plan('slow', key_rate => 20_000_000, key_burst => 1);
$t->plan('quota', mode => 'subscription', day => 0, month => 100);
my %who = (
    none => { key => undef },
    bad => { key => 'bad' },
    unknown => { key => Tollgate::make_key('NoSuchOne0', 'x' x 32) },
    revoked => $t->customer(key => { state => 'revoked' }),
    expired => $t->customer(key => { expires_ms => 1 }),
    suspended => $t->customer(state => 'suspended'),
    frozen => $t->customer(state => 'frozen'),
    app => $t->customer(key => { app_state => 'suspended' }),
    poor => $t->customer(avail => 1.5),
    slow => $t->customer(avail => 100, plan => 'slow'),
    quota => $t->customer(plan => 'quota'),
);
is $t->get('/problem', 'X-API-Key' => $who{slow}{key})->{status}, 200,
    'the first request passes';

my $invalid = 'invalid_request_error';
my $auth = 'authentication_error';
my $perm = 'permission_error';
my $at = qr/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/;

# who, path, status, OpenAI's type and code, Anthropic's type, message
my @rows = (
    ['none', '', 401, $invalid, undef, $auth, qr/^Send your API key as "Auth/],
    ['bad', '', 401, $invalid, 'invalid_api_key', $auth, qr/mistyped\.$/],
    ['unknown', '', 401, $invalid, 'invalid_api_key', $auth, qr/no such API/],
    ['revoked', '', 401, $invalid, 'invalid_api_key', $auth, qr/was revoked/],
    ['expired', '', 401, $invalid, 'invalid_api_key', $auth, qr/has expired/],
    ['suspended', '', 403, $invalid, 'account_deactivated', $perm,
     qr/^This account is suspended\. Plan: payg\.$/],
    ['frozen', '', 403, $invalid, 'account_deactivated', $perm, qr/frozen/],
    ['app', '', 403, $invalid, 'account_deactivated', $perm, qr/The app of/],
    ['poor', '/cost?c=x', 400, $invalid, undef, $invalid, qr/no valid cost/],
    ['poor', '/feature', 403, $invalid, 'model_not_found', $perm,
     qr/no such feature\. Feature: no\.$/],
    ['poor', '/model', 403, $invalid, 'model_not_found', $perm,
     qr/^The catalog has no such model\. Model: "\},\{\\\.$/],
    ['poor', '/pro', 403, $invalid, 'model_not_found', $perm,
     qr{^The\ plan\ of\ this\ account\ does\ not\ include\ this\.\ Plan:\ payg\.
        \ Tier\ needed:\ pro\.\ Plan\ that\ includes\ it:\ pro\.
        \ Price\ in\ credits:\ 50\.\ Upgrade:\ https://example\.com/up$}x],
    ['poor', '', 402, ('insufficient_quota') x 2, 'billing_error',
     qr{^The\ account\ has\ too\ few\ credits\ for\ this\ request\.
        \ Plan:\ payg\.\ Credits\ needed:\ 10\.\ Credits\ available:\ 1\.5\.
        \ Top\ up:\ https://example\.com/topup$}x],
    ['slow', '', 429, 'requests', 'rate_limit_exceeded', 'rate_limit_error',
     qr{faster.* Available again at: $at\. Upgrade: https://example\.com/up$}],
    ['quota', '', 429, ('insufficient_quota') x 2, 'rate_limit_error',
     qr{used up\..* Units needed: 1\. Units available: 0\. Available}],
    ['poor', '/away', 503, 'server_error', undef, 'api_error',
     qr/could not be decided\. Try again shortly\.$/],
);

for my $row (@rows) {
    my ($who, $path, $status, $type, $code, $anthropic, $message) = @$row;

    for my $shape (qw(openai anthropic)) {
        my $r = $t->get("/$shape$path", 'X-API-Key' => $who{$who}{key},
                        'X-Model' => "\"},{\\");
        my $name = "$who at /$shape$path";
        my ($h, $said) = ($r->{headers}, delete $r->{json}{error}{message});
        is "$r->{status} $h->{'content-type'}", "$status application/json",
            "$name is refused with $status, in JSON";
        like $said, $message, "$name: the message explains";
        is_deeply $r->{json}, $shape eq 'openai'
            ? { error => { type => $type, code => $code,
                param => $path eq '/model' ? 'model' : undef } }
            : { type => 'error', request_id => $h->{'request-id'},
                error => { type => $anthropic } },
            "$name: has the members of that API, and no others";
        is $h->{'cache-control'}, 'no-store', "$name: is not to be kept";
        is $h->{'x-should-retry'},
            $status == 402 || $who eq 'quota' ? 'false' : undef,
            "$name: whether to try again";
    }
}

is $t->get('/problem')->{headers}{'content-type'}, 'application/problem+json',
    'an inner location can return to problem';

# without the patience that it has for records of a server that is away
$t->nginx_stop('TERM');

done_testing;
