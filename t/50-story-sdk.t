#!/usr/bin/perl
# What customers' clients make of refusals: the error that the SDKs of OpenAI,
# Anthropic and Stripe raise for each verdict, and how often they try again.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP ();
use Test::More;
use Tollgate::Edge;

my $shapes = join '', map { <<"CONF" } qw(problem openai anthropic);
        location /$_/ {
            tollgate_error_shape $_;
            proxy_pass http://backend;
            location /$_/cost_invalid/ { tollgate_cost \$arg_cost; }
            location /$_/store_unreachable/ {
                tollgate_redis unix:%%DIR%%/nowhere.sock;
            }
        }
CONF
my $t = Tollgate::Edge->begin(conf => <<"CONF", http => <<'HTTP');
        access_log %%DIR%%/access.log calls;
        tollgate on;
        tollgate_feature \$feature;
        tollgate_model \$http_x_model;
        tollgate_topup_url https://example.com/topup;
        $shapes
CONF
    log_format calls '$uri $tollgate_verdict';
    map $http_x_feature $feature { default $http_x_feature; '' image.generate; }
HTTP

$t->plan('slow', key_rate => 4_000_000, key_burst => 1);
$t->plan('slower', key_rate => 600_000_000, key_burst => 1);
$t->plan('quota', mode => 'subscription', day => 0, month => 100);
my $poor = $t->customer(avail => 1.5);
my %who = (
    key_missing => {},
    key_malformed => { key => 'bad' },
    key_unknown => { key => Tollgate::make_key('NoSuchOne0', 'x' x 32) },
    key_revoked => $t->customer(key => { state => 'revoked' }),
    key_expired => $t->customer(key => { expires_ms => 1 }),
    account_suspended => $t->customer(state => 'suspended'),
    account_frozen => $t->customer(state => 'frozen'),
    app_suspended => $t->customer(key => { app_state => 'suspended' }),
    quota_exceeded => $t->customer(plan => 'quota'),
    cap_reached => $t->customer(l => '1 no requests 0 life - app * refuse -'),
);
my %headers = (feature_unknown => { 'X-Feature' => 'no' },
               model_unknown => { 'X-Model' => 'no:such' },
               tier_required => { 'X-Model' => 'app:pro' });

# verdict, status, code in OpenAI's shape, type in Anthropic's, requests
my @rows = (
    ['key_missing', 401, undef, 'authentication_error', 1],
    (map { [$_, 401, 'invalid_api_key', 'authentication_error', 1] }
        qw(key_malformed key_unknown key_revoked key_expired)),
    (map { [$_, 403, 'account_deactivated', 'permission_error', 1] }
        qw(account_suspended account_frozen app_suspended)),
    ['cost_invalid', 400, undef, 'invalid_request_error', 1],
    (map { [$_, 403, 'model_not_found', 'permission_error', 1] } sort keys %headers),
    ['credits_exhausted', 402, 'insufficient_quota', 'billing_error', 1],
    (map { [$_, 429, 'insufficient_quota', 'rate_limit_error', 1] } qw(cap_reached quota_exceeded)),
    ['rate_limited', 429, 'rate_limit_exceeded', 'rate_limit_error', 1],
    ['store_unreachable', 503, undef, 'api_error', 3],
);

# by status: the class of the error, and Stripe's
my %class = (
    400 => ['BadRequestError', 'StripeInvalidRequestError'],
    401 => ['AuthenticationError', 'StripeAuthenticationError'],
    402 => ['APIError', 'StripeUnknownError'],
    403 => ['PermissionDeniedError', 'StripePermissionError'],
    429 => ['RateLimitError', 'StripeRateLimitError'],
    503 => ['InternalServerError', 'StripeAPIError'],
);
my @pairs = map { [split m{/}] } qw(openai/problem openai/openai
    anthropic/problem anthropic/anthropic stripe/problem);

# "short" has to wait for seconds, the others' wait is not worth it
my @calls;
for my $verdict ((map { $_->[0] } @rows), 'short') {
    for my $pair (@pairs) {
        my ($sdk, $shape) = @$pair;
        my $plan = $verdict eq 'short' ? 'slow'
            : $verdict eq 'rate_limited' ? 'slower' : undef;
        my $c = $plan ? $t->customer(avail => 100, plan => $plan)
            : $who{$verdict} // $poor;
        push @calls, { sdk => $sdk, key => $c->{key}, ahead => $plan ? 1 : 0,
                       path => "/$shape/$verdict/$sdk",
                       headers => $headers{$verdict} // {} };
    }
}
my $file = $t->spew('calls.json', JSON::PP::encode_json(\@calls));
local $ENV{NODE_PATH} = "$Tollgate::build/sdk/node_modules";    # by make sdk
my $out = `timeout 90 node $t->{root}/t/sdk/calls.js $t->{dir}/nginx.sock $file`;
is $?, 0, 'the clients ran';
my $told = JSON::PP->new->utf8->decode($out);
is scalar @$told, @calls, 'and told what became of each call';
my %asked;
$t->wait_for(sub {
    my $log = $t->slurp('access.log');
    %asked = ();
    $asked{"$1 $2"}++ while $log =~ m{^((?:/\w+){3})/\S+ (\w+)$}mg;
    4 == grep { ($asked{"$_->{path} pass"} // 0) == 2 } @calls
}, 'the log of the calls that passed at last');

for my $row (@rows) {
    my ($verdict, $status, $code, $type, $often) = @$row;

    for my $pair (@pairs) {
        my ($sdk, $shape) = @$pair;
        my ($call, $got) = (shift @calls, shift @$told);
        my $name = "$verdict, $sdk of $shape";

        is "$got->{status} $got->{class}", "$status "
            . $class{$status}[$sdk eq 'stripe'], "$name: the class of the error";
        is $got->{code}, $shape eq 'openai' ? $code
            : $sdk eq 'anthropic' ? undef : $verdict, "$name: its code";
        is $got->{type}, $type, "$name: its type" if $shape eq 'anthropic';
        like $got->{message}, $verdict eq 'credits_exhausted'
            && ($shape ne 'problem' || $sdk eq 'anthropic')
            ? qr/too few credits.*10.*1\.5.*example\.com\/topup/
            : qr/\w{3} \w+.*\./, "$name: its message explains";
        like $got->{requestId}, qr/^[0-9a-f]{32}$/, "$name: it has the request";
        is $asked{"$call->{path} $verdict"}, $often, "$name: how often it asked";
    }
}

# a short wait is worth it for those who wait
for my $pair (@pairs) {
    my ($sdk, $shape) = @$pair;
    my ($call, $got) = (shift @calls, shift @$told);
    my $name = "a short wait, $sdk of $shape";

    is $asked{"$call->{path} rate_limited"}, 1, "$name: one refusal";
    if ($sdk eq 'stripe') {
        is $got->{class}, 'StripeRateLimitError', "$name: it does not wait";
    } else {
        ok $got->{passed}, "$name: the next try passes";
        cmp_ok $got->{ms}, '>', 1000, "$name: it waited as it was told";
    }
}

$t->nginx_stop('TERM');     # with no patience for records of a server that is away

done_testing;
