#!/usr/bin/perl
# The body and headers of every refusal: problem+json that the usual SDKs read.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Tollgate::Edge;

my $t = Tollgate::Edge->begin(conf => <<'CONF');
        tollgate on;
        tollgate_feature image.generate;
        tollgate_upgrade_url "https://example.com/up?from=$arg_from";
        tollgate_topup_url https://example.com/topup;
        location / { proxy_pass http://backend; }
        location /pro { tollgate_model app:pro; proxy_pass http://backend; }
        location /model { tollgate_model $http_x_model;
                          proxy_pass http://backend; }
        location /feature { tollgate_feature $http_x_feature;
                            proxy_pass http://backend; }
        location /cost { tollgate_cost $arg_cost; proxy_pass http://backend; }
        location /away {
            tollgate_redis unix:%%DIR%%/nowhere.sock;
            proxy_pass http://backend;
        }
CONF

$t->plan('slow', key_rate => 20_000_000, key_burst => 1);
$t->plan('slower', app_rate => 600_000_000, app_burst => 1);
$t->plan('quota', mode => 'subscription', day => 0, month => 100);
my %who = (
    none => { key => undef },
    bad => { key => 'bad' },
    unknown => { key => Tollgate::make_key('NoSuchOne0', 'x' x 32) },
    poor => $t->customer(avail => 1.5, plan => 'payg'),
    slow => $t->customer(avail => 100, plan => 'slow'),
    slower => $t->customer(avail => 100, plan => 'slower'),
    quota => $t->customer(plan => 'quota'),
    suspended => $t->customer(state => 'suspended'),
    frozen => $t->customer(state => 'frozen'),
    app => $t->customer(key => { app_state => 'suspended' }),
    revoked => $t->customer(key => { state => 'revoked' }),
    expired => $t->customer(key => { expires_ms => 1 }),
);
is $t->get('/', 'X-API-Key' => $who{$_}{key})->{status}, 200,
    "$_: the first request passes" for 'slow', 'slower';

# who, path, status, code, error type, members, headers (undef = absent)
my $docs = $t->slurp("$t->{root}/docs/verdicts.md");
my %no_wait = ('retry-after' => undef, 'retry-after-ms' => undef);
my %stop = (%no_wait, 'x-should-retry' => 'false');
my %plain = (%no_wait, 'x-should-retry' => undef);
my $auth = 'authentication_error';
my $perm = 'permission_error';
my @rows = (
    ['none', '/', 401, 'key_missing', $auth, {}, \%plain],
    ['bad', '/', 401, 'key_malformed', $auth, {}, \%plain],
    ['unknown', '/', 401, 'key_unknown', $auth, {}, \%plain],
    ['revoked', '/', 401, 'key_revoked', $auth, {}, \%plain],
    ['expired', '/', 401, 'key_expired', $auth, {}, \%plain],
    ['suspended', '/', 403, 'account_suspended', $perm, {}, \%plain],
    ['frozen', '/', 403, 'account_frozen', $perm, {}, \%plain],
    ['app', '/', 403, 'app_suspended', $perm, {}, \%plain],
    ['poor', '/feature', 403, 'feature_unknown', $perm, { feature => 'no' },
     \%plain, { 'X-Feature' => 'no' }],
    ['poor', '/model', 403, 'model_unknown', $perm, { model => 'no:such' },
     \%plain, { 'X-Model' => 'no:such' }],
    ['poor', '/cost?cost=x', 400, 'cost_invalid', 'invalid_request_error', {},
     \%plain],
    ['poor', '/pro?from=gate', 403, 'tier_required', $perm,
     { plan => 'payg', tier => 'free', required_tier => 'pro',
       required_plan => 'pro', price => '50',
       upgrade_url => 'https://example.com/up?from=gate' }, \%plain],
    ['poor', '/', 402, 'credits_exhausted', 'insufficient_quota',
     { plan => 'payg', required => '10', available => '1.5',
       topup_url => 'https://example.com/topup' }, \%stop],
    ['slow', '/', 429, 'rate_limited', 'rate_limit_error',
     { limit => 'key_rate', plan => 'slow', resets_at => qr/^\d{4}-.*Z$/ },
     { 'retry-after' => qr/^(?:[1-9]|1\d|20)$/,
       'retry-after-ms' => qr/^\d+$/, 'x-should-retry' => undef }],
    ['slower', '/', 429, 'rate_limited', 'rate_limit_error',
     { limit => 'app_rate' }, { 'retry-after' => qr/^(?:[1-9]|[1-5]\d|60)$/,
                                'x-should-retry' => 'false' }],
    ['quota', '/', 429, 'quota_exceeded', 'rate_limit_error',
     { limit => 'day', required_units => '1', available_units => '0',
       upgrade_url => 'https://example.com/up?from=' }, \%stop],
    ['poor', '/away', 503, 'store_unreachable', 'api_error', {},
     { 'retry-after' => '1', 'x-should-retry' => undef }],
);

for my $row (@rows) {
    my ($who, $path, $status, $code, $type, $members, $headers, $send) = @$row;

    my $r = $t->get($path, 'X-API-Key' => $who{$who}{key}, %{ $send // {} });
    my ($j, $h) = ($r->{json} // {}, $r->{headers});
    is "$r->{status} $j->{status} $j->{code}", "$status $status $code",
        "$who at $path is refused with $status $code";
    is $h->{'content-type'}, 'application/problem+json', "$code: as problem";
    is $h->{'cache-control'}, 'no-store', "$code: not to be kept";
    like $h->{'x-request-id'}, qr/^[0-9a-f]{32}$/, "$code: with a request id";
    is $h->{'request-id'}, $h->{'x-request-id'}, "$code: under both names";
    my ($told) = $docs =~ /^### $code\n.*?^(\{.*?^\})\n/ms;
    $told = JSON::PP::decode_json($told);
    is_deeply [sort(keys %$j), @$j{qw(type title detail)}],
        [sort(keys %$told), @$told{qw(type title detail)}], "$code: as told";
    is_deeply $j->{error},
        { message => $j->{detail}, type => $type, code => $code,
          param => $code eq 'model_unknown' ? 'model' : undef },
        "$code: with the error object of SDKs";
    is $h->{'www-authenticate'}, $status != 401 ? undef
        : 'Bearer realm="api"' . ($code eq 'key_missing' ? '' : ', error='
        . qq("invalid_token", error_description="$j->{detail}")),
        "$code: a challenge where a key is wrong, only there";
    is_deeply $j->{'violated-policies'}, $status == 429
        ? [$j->{limit} =~ s/_rate$//r] : undef, "$code: the policy it violates";

    for my $name (sort keys %$members) {
        my $want = $members->{$name};
        like $j->{$name}, ref $want ? $want : qr/^\Q$want\E$/,
            "$code: tells $name";
    }
    for my $name (sort keys %$headers) {
        my $want = $headers->{$name};
        like $h->{$name} // 'absent',
            ref $want ? $want : $want ? qr/^\Q$want\E$/ : qr/^absent$/,
            "$code: $name is " . ($want ? 'right' : 'absent');
    }
}

# what the client said comes back as JSON, whatever it was
for my $text ("\"},{\"a\":\"", "\\", "a\x01\x1f\tb", "\xff\xfe\xc3\xa9",
              '<script>', "\x7f", 'x' x 5000) {
    my $r = $t->get('/model', 'X-API-Key' => $who{poor}{key},
                    'X-Model' => $text);
    my $name = substr $text =~ s/[^\x20-\x7e]/?/gr, 0, 20;
    is $r->{json}{code}, 'model_unknown', "a model \"$name\" makes valid JSON";
    ok length $r->{json}{model} <= 128, "\"$name\" is not repeated at length";
    is join(' ', grep { !/^[\x20-\x7e]*$/ } values %{ $r->{headers} }), '',
        "\"$name\" is in no header";
}

unlike $t->error_log, qr/\Q$who{poor}{key}\E/, 'no key is in the log';

# without the patience that it has for records of a server that is away
$t->nginx_stop('TERM');

done_testing;
