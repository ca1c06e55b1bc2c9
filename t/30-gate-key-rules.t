#!/usr/bin/perl
# What nginx tells the gate of a request, so that rules of a key can be checked:
# address, method, scope, path and model.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Tollgate::Edge;

my $t = Tollgate::Edge->begin(conf => <<'CONF');
        set_real_ip_from unix:;
        real_ip_header X-Real-IP;
        tollgate on;
        tollgate_upgrade_url https://example.com/plans;
        location / { proxy_pass http://backend; }
        location /needs { tollgate_scope images:read; proxy_pass http://backend; }
        location /needs/arg { tollgate_scope $arg_scope; proxy_pass http://backend; }
        location /needs/none { tollgate_scope ""; proxy_pass http://backend; }
        location /model { tollgate_model $arg_model; proxy_pass http://backend; }
        location /dry { tollgate dry_run; proxy_pass http://backend; }
        location /moved { rewrite ^/moved(.*)$ /v1$1 last; }
        location /stale { tollgate_on_error stale; proxy_pass http://backend; }
        location /stale/cost {
            tollgate_on_error stale;
            tollgate_cost 1;
            proxy_pass http://backend;
        }
CONF

my %customers;

# The customer whose key has these rules.
sub with {
    my ($rules) = @_;

    return $customers{$rules} //= $t->customer(avail => 100,
        key => { id => sprintf('key_N%09d', scalar keys %customers), rules => $rules });
}

sub outcome {
    my ($rules, $method, $path, %headers) = @_;

    my $r = $t->request($method, $path,
        { 'X-API-Key' => with($rules)->{key}, %headers });
    return wantarray ? ($r->{json}{code} // $r->{status}, $r) : $r->{json}{code} // $r->{status};
}

my $long = 'x' x 300;

# rules, method, path, address, outcome
my @rows = (
    ['ip cb007100/24', GET => '/x', '203.0.113.9', 200],
    ['ip cb007100/24', GET => '/x', '::ffff:203.0.113.9', 200],
    ['ip cb007100/24', GET => '/x', '203.0.112.9', 'ip_forbidden'],
    ['ip cb007100/24', GET => '/x', '2001:db8::1', 'ip_forbidden'],
    ['ip cb007100/24', GET => '/x', undef, 'ip_forbidden'],
    ['ip 20010db8000000000000000000000000/32', GET => '/x', '2001:db8:1::1', 200],
    ['ip 20010db8000000000000000000000000/32', GET => '/x', '2001:db9::1', 'ip_forbidden'],
    ['ip 00000000000000000000000000000000/0', GET => '/x', '203.0.113.9', 'ip_forbidden'],
    ['method GET', GET => '/x', undef, 200],
    ['method GET', HEAD => '/x', undef, 200],
    ['method GET', POST => '/x', undef, 'method_forbidden'],
    ['method PROPFIND', PROPFIND => '/x', undef, 200],
    ['method GET', 'A' x 40 => '/x', undef, 'method_forbidden'],
    ['path /v1', GET => '/v1/x?a=/v2', undef, 200],
    ['path /v1', GET => '/%761/x', undef, 200],
    ['path /v1', GET => '/v1/../v2', undef, 'path_forbidden'],
    ['path /v1', GET => '/v2?/v1', undef, 'path_forbidden'],
    ['path /v1', GET => '/v1%0a', undef, 'path_forbidden'],
    ['path /v1', GET => '/v1/%0a%20', undef, 200],
    ['path /v1', GET => "/v1/$long", undef, 200],
    ['path /v1', GET => "/$long", undef, 'path_forbidden'],
    ['path /v1', GET => '/moved/x', undef, 200],
    ['path /moved', GET => '/moved/x', undef, 'path_forbidden'],
    ['scope images:read', GET => '/needs', undef, 200],
    ['scope images:*', GET => '/needs', undef, 200],
    ['scope images:write', GET => '/needs', undef, 'scope_missing'],
    ['scope images:write', GET => '/x', undef, 200],
    ['scope images:write', GET => '/needs/none', undef, 200],
    ['scope images:write', GET => '/needs/arg', undef, 200],
    ['scope images:write', GET => '/needs/arg?scope=images:write', undef, 200],
    (map { ['scope images:*', GET => "/needs/arg?scope=$_", undef, 'scope_missing'] }
        '-', $long, '%20images:read', 'images'),
    ['model app:*', GET => '/model?model=app:standard', undef, 200],
    ['model app:pro', GET => '/model?model=app:standard', undef, 'model_forbidden'],
    ['model app:pro', GET => '/model', undef, 200],
    ['method PUT', GET => '/dry', undef, 200],
);
for my $row (@rows) {
    my ($rules, $method, $path, $address, $expected) = @$row;
    is outcome($rules, $method, $path, $address ? ('X-Real-IP' => $address) : ()), $expected,
        substr("$rules: $method $path" . ($address ? " from $address" : ''), 0, 80) . " is $expected";
}
is $t->get('/needs', 'X-API-Key' => $t->customer->{key})->{status}, 200,
    'a key without rules needs no scope';

# The refusals, which are those of the documentation.
$customers{''} = $t->customer(key => { state => 'paused' });
my $docs = $t->slurp("$t->{root}/docs/verdicts.md");
for my $row (['ip 0a000000/8', '/x', 'ip_forbidden'], ['scope s', '/needs', 'scope_missing'],
             ['method PUT', '/x', 'method_forbidden'], ['path /v1', '/x', 'path_forbidden'],
             ['model app:pro', '/model?model=app:standard', 'model_forbidden'], ['', '/x', 'key_paused'])
{
    my ($code, $r) = outcome($row->[0], GET => $row->[1]);
    my ($told) = map { JSON::PP::decode_json($_) } $docs =~ /^### $row->[2]\n.*?^(\{.*?^\})\n/ms;
    my %got = (%{ $r->{json} }, map { ($_ => $told->{$_}) } qw(request_id model));
    delete $got{model} unless $told->{model};
    is_deeply \%got, $told, "$row->[2]: as told, without an upgrade";
    ok !exists $r->{headers}{'www-authenticate'}, 'and a challenge: the key is good';
}
is +(outcome('model app:pro', GET => '/model?model=app:standard'))[1]{json}{model}, 'app:standard',
    'the model that was refused is named';

my $c = with('path /v1');
is scalar(grep { $_->{verdict} eq 'path_forbidden' } $t->used($c->{account}, 10)), 5,
    'refusals are in the usage records';

# Requests of one account that wait together keep what is theirs.
my @headers = ('X-API-Key' => with('ip cb007100/24')->{key});
my @answers = $t->parallel(map { ['GET', '/x', { @headers, 'X-Real-IP' => "203.0.11$_.1" }] }
    (3, 4) x 20);
is join(' ', map { $_->{status} } @answers), join(' ', (200, 403) x 20),
    'requests at once have each its own address';

# Without Redis rules can't be checked.
my $plain = $t->customer(avail => 100);
my $ruled = $t->customer(avail => 100, key => { id => 'key_stale00001', rules => 'path /stale' });
is $t->get('/stale/cost', 'X-API-Key' => $_->{key})->{status}, 200, 'both pass while there is Redis'
    for $plain, $ruled, $ruled;
$t->stop('redis', 'KILL');
is $t->get('/stale/cost', 'X-API-Key' => $plain->{key})->{status}, 200,
    'without Redis "stale" serves a key that passed';
is $t->get('/stale/cost', 'X-API-Key' => $ruled->{key})->{json}{code}, 'store_unreachable',
    'but none with rules';

done_testing;
