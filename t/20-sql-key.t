#!/usr/bin/perl
# Keys in SQL: their rules and what is refused of them, states, expiry and
# rerolls, and the records that the edge gets of each.

use strict;
use warnings;

use lib 't/lib';
use Digest::SHA qw(sha256_hex);
use JSON::PP;
use Test::More;
use Tollgate;
use Tollgate::Books;

my $b = Tollgate::Books->begin;
my $account = $b->account;
my $app = $b->call('app_create', { account => $account, name => 'Web' })->{id};

# The newest command of the account: what it sets and deletes.
sub command {
    my ($set, $del) = @{ ($b->sql('select set_fields, del_fields from command
        where account = $1 order by no desc limit 1', $account))[0] };
    return (decode_json($set), join ' ', @{ decode_json($del) });
}

sub count { return $b->sql('select count(*) from command where account = $1', $account) }

sub fails {
    my ($function, $args, $code, $detail) = @_;
    my $error = $b->sql_error("select api.$function(\$1::jsonb)", encode_json($args));
    is $error->{message}, $code, "$function: $code";
    like $error->{text}, $detail, "and says: $detail" if $detail;
    return;
}

my $plain = $b->call('key_create', { app => $app, name => 'plain' });
my ($set) = command();
is_deeply $set, { 'k:' . sha256_hex($plain->{key}) => "$plain->{id} $app active 0" },
    'a key without rules is its record alone';
is_deeply [map { scalar @{ $plain->{$_} } } qw(scopes ips methods paths models)],
    [(0) x 5], 'and shows that it has none';

my $key = $b->call('key_create', { app => $app, scopes => ['images:read', 'a.*', 'a.*'],
    ips => ['10.1.0.0/16', '203.0.113.7', '2001:DB8::/32', '::ffff:192.0.2.0/120', '0.0.0.0/0', '::/0'],
    methods => ['POST', 'GET'], paths => ['/v1/'], models => ['video:*'] });
is_deeply $key->{ips}, [qw(0.0.0.0/0 10.1.0.0/16 192.0.2.0/24 203.0.113.7/32 ::/0 2001:db8::/32)],
    'networks are shown in order, an IPv4 address in IPv6 as what it is';
is_deeply $key->{scopes}, ['a.*', 'images:read'], 'what is given twice is there once';
($set) = command();
my $hash = 'k:' . sha256_hex($key->{key});
is $set->{$hash}, "$key->{id} $app active 0 rules", 'a record says that there are rules';
is $set->{"r:$key->{id}"}, join("\n", 'ip 00000000/0', 'ip 00000000000000000000000000000000/0',
    'ip 0a010000/16', 'ip 20010db8000000000000000000000000/32', 'ip c0000200/24', 'ip cb007107/32',
    'method GET', 'method POST', 'model video:*', 'path /v1/', 'scope a.*', 'scope images:read'),
    'which are lines that the gate reads';

# What can't be a rule.
my @bad = (
    [ips => ['10.0.0.1/8'], qr{bits set behind its prefix; did you mean 10\.0\.0\.0/8}],
    [ips => ['2001:db8::1/32'], qr{did you mean 2001:db8::/32}],
    [ips => ['::ffff:0:0/80'], qr{did you mean ::/80}],
    (map { [ips => [$_], qr{"ips" must be a list of at most 32 addresses or networks}] }
        '10.0.0.0/33', '::/129', '10.0.0', '10.0.0.0/', '010.0.0.1', '256.0.0.1', ':::', 'localhost',
        '10.0.0.0/08', '10.0.0.1-10.0.0.9', ' 10.0.0.1', ''),
    [ips => '10.0.0.0/8', qr/a list/], [ips => [7], qr/a list/], [ips => {}, qr/a list/],
    [ips => [map { "10.0.0.$_" } 1 .. 33], qr/at most 32/],
    (map { [scopes => [$_], qr/codes of a-z/] } 'A', '*', 'a b', "a\n", 'a' x 66, '*a', 'a**'),
    (map { [models => [$_], qr/models of the catalog/] } '', "x\nip 0/0"),
    (map { [methods => [$_], qr/in capitals/] } 'get', '*', 'A' x 17),
    (map { [paths => [$_], qr/paths such as/] } 'v1', '', '/a b', '/a%20b', '/a?b', "/a\n", '/' . 'a' x 200),
    [expires_at => '2020-01-01', qr/a time to come/],
);
my $before = count();
for my $row (@bad) {
    my ($member, $value, $detail) = @$row;
    fails('key_update', { key => $key->{id}, $member => $value }, 'invalid_argument', $detail);
}
is count(), $before, 'and nothing of it went to the edge';

# What is given changes, what is not stays, null and an empty list end a rule.
my $changed = $b->call('key_update', { key => $key->{id}, methods => ['GET'],
    ips => [], scopes => undef, models => [], name => 'new', expires_at => '2100-01-01T00:00:00Z' });
is_deeply [@{$changed}{qw(name methods paths ips scopes)}], ['new', ['GET'], ['/v1/'], [], []],
    'an update changes what it names';
($set) = command();
is $set->{"r:$key->{id}"}, "method GET\npath /v1/", 'at the edge too';
is $set->{$hash}, "$key->{id} $app active 4102444800000 rules", 'with the expiry in ms';
$before = count();
$b->call('key_update', { key => $key->{id}, methods => ['GET'] });
is count(), $before, 'an update that changes nothing sends nothing';
$b->call('key_update', { key => $key->{id}, methods => [], paths => [], expires_at => undef });
($set, my $del) = command();
is "$set->{$hash} $del", "$key->{id} $app active 0 r:$key->{id}", 'without rules the field is deleted';

is $b->call('key_pause', { key => $key->{id} })->{state}, 'paused', 'a key is paused';
($set) = command();
is $set->{$hash}, "$key->{id} $app paused 0", 'and at the edge';
fails('key_reroll', { key => $key->{id} }, 'key_not_active', qr/is paused/);
is $b->call('key_resume', { key => $key->{id} })->{state}, 'active', 'and resumed';

# A reroll, with the clock stopped.
$b->sql(q{select lib.clock_freeze('2030-01-01T00:00:00Z')});
fails('key_reroll', { key => $key->{id}, overlap => $_ }, 'invalid_argument', qr/a duration such as/)
    for '24', '1w', '-1h', '91d', '1.5h', '9999999d';
$b->call('key_update', { key => $key->{id}, paths => ['/v2'] });
my $next = $b->call('key_reroll', { key => $key->{id}, overlap => '36h' });
is "$next->{replaces} $next->{replaces_until} $next->{name}", "$key->{id} 2030-01-02T12:00:00Z new",
    'a reroll makes a key of the same name and says until when the old one works';
like $next->{key}, qr/^tg_live_$account\w{38}$/, 'it is shown';
isnt $next->{key}, $key->{key}, 'and another';
is_deeply $next->{paths}, ['/v2'], 'with the same rules';
($set) = command();
is $set->{$hash}, "$key->{id} $app active 1893585600000 rules", 'the old one expires then, to the millisecond';
fails('key_reroll', { key => $key->{id} }, 'key_replaced', qr/to "$next->{id}" already/);
my $last = $b->call('key_reroll', { key => $next->{id} });
is $last->{replaces_until}, '2030-01-02T00:00:00Z', 'an overlap is 24 hours unless it is given';
is $b->call('key_reroll', { key => $last->{id}, overlap => '0s' })->{replaces_until},
    '2030-01-01T00:00:00Z', 'and none where it is 0';
fails('key_reroll', { key => $last->{id} }, 'key_replaced');

my $short = $b->call('key_create', { app => $app, test => JSON::PP::true, expires_at => '2030-01-01T01:00:00Z' });
my $after = $b->call('key_reroll', { key => $short->{id} });
is "$after->{replaces_until} $after->{expires_at}", '2030-01-01T01:00:00Z 2030-01-01T01:00:00Z',
    'an overlap makes no key live longer';
like $after->{key}, qr/^tg_test_/, 'a test key stays one';
$b->sql(q{select lib.clock_freeze('2030-01-01T01:00:00Z')});
fails('key_reroll', { key => $after->{id} }, 'key_not_active', qr/is expired/);

$b->call('key_revoke', { key => $key->{id} });
fails("key_$_", { key => $key->{id}, name => 'x' }, 'key_revoked') for qw(update pause resume);
fails("key_$_", { key => 'key_x' }, 'key_not_found') for qw(update pause resume revoke reroll);
is $b->sql('select count(*) from lib.audit_breaks()'), 0, 'the audit chain is whole';
unlike join(' ', map { $_->[0] } $b->sql('select detail from audit_log')), qr/$next->{key}/,
    'and holds no key';

done_testing;
