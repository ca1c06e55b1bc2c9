# gate.lua holds each request against the rules of its key.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Socket qw(inet_pton AF_INET AF_INET6);
use Test::More;
use Tollgate;
use Tollgate::Gate;

my $t = Tollgate->new;
$t->redis;
my $account = 'Rules00001';
my $wallet = Tollgate::wallet_key($account);
$t->wallet($account, avail => 1000);
my $n = 0;

sub hex_of {
    my ($address) = @_;

    return unpack 'H*', inet_pton($address =~ /:/ ? AF_INET6 : AF_INET, $address);
}

# "203.0.113.0/24" as a rule.
sub net {
    my ($address, $bits) = split m{/}, $_[0];

    return 'ip ' . hex_of($address) . "/$bits";
}

# What a request comes to with a new key of these rules; nothing is left behind
# by one that is refused.
sub verdict {
    my ($rules, %request) = @_;

    my $key = $t->key($account, id => sprintf('key_R%09d', ++$n), rules => $rules);
    my $before = snapshot($t, $account);
    my $answer = gate($t, $account, { key => $key, cost => 1, %request });
    my $kept = snapshot($t, $account) eq $before;
    my $whole = $answer->{verdict} eq 'pass'
        ? !$kept && $answer->{limit} eq 'rules' : $kept && $answer->{limit} eq '';

    return $answer->{verdict} . ($whole ? '' : ' but written or told wrong');
}

# network, address, whether it is in
my @nets = (
    ['203.0.113.0/24', '203.0.113.0', 1], ['203.0.113.0/24', '203.0.113.255', 1],
    ['203.0.113.0/24', '203.0.114.0', 0], ['203.0.113.0/24', '203.0.112.255', 0],
    ['203.0.113.7/32', '203.0.113.7', 1], ['203.0.113.7/32', '203.0.113.6', 0],
    ['203.0.113.6/31', '203.0.113.7', 1], ['203.0.113.6/31', '203.0.113.8', 0],
    ['0.0.0.0/0', '255.255.255.255', 1], ['0.0.0.0/0', '0.0.0.0', 1],
    ['0.0.0.0/0', '::1', 0], ['128.0.0.0/1', '128.0.0.1', 1],
    ['128.0.0.0/1', '127.255.255.255', 0], ['10.96.0.0/11', '10.127.255.255', 1],
    ['10.96.0.0/11', '10.128.0.0', 0], ['172.16.0.0/12', '172.31.255.255', 1],
    ['172.16.0.0/12', '172.32.0.0', 0], ['192.0.2.0/25', '192.0.2.127', 1],
    ['192.0.2.0/25', '192.0.2.128', 0],
    ['2001:db8::/32', '2001:db8:ffff::1', 1], ['2001:db8::/32', '2001:db9::', 0],
    ['2001:db8::1/128', '2001:db8::1', 1], ['2001:db8::1/128', '2001:db8::', 0],
    ['2001:db8::/29', '2001:dbf::', 1], ['2001:db8::/29', '2001:dc0::', 0],
    ['fe80::/10', 'febf::1', 1], ['fe80::/10', 'fec0::1', 0],
    ['2001:db8::4/126', '2001:db8::7', 1], ['2001:db8::4/126', '2001:db8::8', 0],
    ['::/0', 'ffff::', 1], ['::/0', '::', 1], ['::/0', '203.0.113.7', 0],
    ['cb00:7107::/32', '203.0.113.7', 0],
);
for my $row (@nets) {
    my ($net, $address, $in) = @$row;
    is verdict(net($net), ip => hex_of($address)), $in ? 'pass' : 'ip_forbidden',
        "$address is " . ($in ? '' : 'not ') . "in $net";
}
is verdict(net('0.0.0.0/0') . "\n" . net('::/0')), 'ip_forbidden',
    'a request without an address is in no network';
is verdict(net('10.0.0.0/8') . "\n" . net('::1/128'), ip => hex_of('::1')), 'pass',
    'one network of several is enough';

# rules, request, verdict
my @rows = (
    ['method GET', { method => 'GET' }, 'pass'],
    ['method GET', { method => 'HEAD' }, 'pass'],
    ['method POST', { method => 'HEAD' }, 'method_forbidden'],
    ['method GET', { method => 'GETS' }, 'method_forbidden'],
    ["method GET\nmethod PUT", { method => 'PUT' }, 'pass'],
    ['method GET', {}, 'method_forbidden'],
    ['path /v1', { path => '/v1' }, 'pass'], ['path /v1', { path => '/v1/a b' }, 'pass'],
    ['path /v1', { path => '/v10' }, 'path_forbidden'],
    ['path /v1/', { path => '/v1/x' }, 'pass'], ['path /v1/', { path => '/v1' }, 'path_forbidden'],
    ['path /', { path => '/x' }, 'pass'], ['path /a.c', { path => '/abc' }, 'path_forbidden'],
    ["path /a\npath /b", { path => "/b/\nscope" }, 'pass'], ['path /v1', { path => '/V1' }, 'path_forbidden'],
    ['scope a:read', { scope => 'a:read' }, 'pass'], ['scope a:read', {}, 'pass'],
    ['scope a:read', { scope => 'a:reads' }, 'scope_missing'],
    ['scope a:read', { scope => 'a' }, 'scope_missing'], ['scope a:*', { scope => 'a:x' }, 'pass'],
    ['scope a:*', { scope => 'ab:x' }, 'scope_missing'], ['scope a.c', { scope => 'abc' }, 'scope_missing'],
    ["scope a\nscope b", { scope => 'b' }, 'pass'], ['scope a', { scope => '?' }, 'scope_missing'],
    ['model app:one', { model => 'app:one' }, 'pass'], ['model app:one', {}, 'pass'],
    ['model app:one', { model => 'app:two' }, 'model_forbidden'],
    ['model app:*', { model => 'app:two' }, 'pass'], ['model app:*', { model => 'app' }, 'model_forbidden'],
    ['country TH', {}, 'key_unknown'],
    ["model m\npath /p\nmethod GET\nscope s\nip 0a000000/8",
     { model => 'x', scope => 'x', method => 'PUT' }, 'ip_forbidden'],
    ["model m\npath /p\nmethod GET\nscope s", { model => 'x', scope => 'x', method => 'PUT' }, 'scope_missing'],
    ["model m\npath /p\nmethod GET", { model => 'x', method => 'PUT' }, 'method_forbidden'],
    ["model m\npath /p", { model => 'x' }, 'path_forbidden'],
    ['model m', { model => 'x', tier => 3 }, 'model_forbidden'],
    ['model m', { model => 'm', tier => 3 }, 'tier_required'],
);
for my $row (@rows) {
    my ($rules, $request, $verdict) = @$row;
    is verdict($rules, %$request), $verdict,
        "@{[ $rules =~ s/\n/, /gr ]} and @{[ join ' ', map { s/\n/?/gr } %$request ]}: $verdict";
}

# Keys of one account in one call, each with rules of its own.
my @keys = map { $t->key($account, id => "key_call$_", rules => "method $_") } qw(GET PUT);
my $free = $t->key($account, id => 'key_callfree');
my @answers = gate($t, $account, map { { key => $_, method => 'PUT', cost => 1 } } @keys, $free);
is verdicts(@answers), 'method_forbidden pass pass', 'each key of a call has its own rules';
is join(' ', map { $_->{limit} || '-' } @answers), '- rules -', 'and those that passed by rules say so';
is scalar(map { split /;/, $_->{i} } (events($t, $account))[-1]), 2, 'who passed is charged';

# What the record says of rules that aren't there, and the other way round.
$t->r('HDEL', $wallet, 'r:key_callPUT');
is gate($t, $account, { key => $keys[1], method => 'PUT' })->{verdict}, 'key_unknown',
    'a key whose rules are lost is none';
$t->r('HSET', $wallet, 'r:key_callfree', 'method GET');
is gate($t, $account, { key => $free, method => 'PUT' })->{verdict}, 'pass',
    'rules that the record does not tell of are not looked at';
$t->r('HSET', $wallet, 'k:' . key_hash($free), "key_callfree app_0000000001 active 0 other");
is gate($t, $account, { key => $free })->{verdict}, 'key_unknown', 'a record with another word is unreadable';

# Paused keys, among the other reasons.
for my $row ([paused => 0, 'key_paused'], [paused => 1000, 'key_expired'], [revoked => 0, 'key_revoked']) {
    my ($state, $expires_ms, $verdict) = @$row;
    my $key = $t->key($account, state => $state, expires_ms => $expires_ms, rules => 'method GET');
    is gate($t, $account, { key => $key })->{verdict}, $verdict, "$state, expires $expires_ms: $verdict";
}
$t->r('HSET', $wallet, state => 'suspended');
is verdict('method GET'), 'account_suspended', 'a suspended account is told before a rule';

done_testing;
