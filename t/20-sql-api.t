#!/usr/bin/perl
# Accounts, apps and keys: what the API answers and refuses, what it tells the
# edge, and the audit chain of it.

use strict;
use warnings;

use lib 't/lib';
use Digest::SHA ();
use Test::More;
use Tollgate;
use Tollgate::Books;

my $b = Tollgate::Books->begin;
my $actor = { _actor => 'operator' };
my $time = qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;

sub fields_set {
    my ($account) = @_;

    return scalar $b->sql('select set_fields from command where account = $1
                           order by no desc limit 1', $account);
}

my $a = $b->call('account_create', { %$actor, name => 'สมชาย', email => 'a@b.th' });
like $a->{id}, qr/^[0-9A-Za-z]{10}$/, 'an account has an id of base62';
like $a->{created_at}, $time, 'and a time in RFC 3339';
is_deeply [@$a{qw(name email state plan mode balance)}],
    ['สมชาย', 'a@b.th', 'active', 'payg', 'payg', '0'], 'and begins with payg and nothing';
like fields_set($a->{id}), qr/^\{"plan": "payg", "state": "active", "anchor": "\d{10}"\}$/,
    'its first command makes the wallet';
is $b->sql('select shard from account where id = $1', $a->{id}),
    Tollgate::shard($a->{id}), 'its shard is the crc32 of its id';
for my $case ([name => ''], [name => 5], [name => 'x' x 201], [name => "a\tb"],
              [email => 'nobody'], [email => ['a@b']], [plan => 'NO']) {
    is $b->call_error('account_create', { name => 'A', $case->[0] => $case->[1] }),
        'PT422 invalid_argument', "an account with such a $case->[0] is refused";
}
is $b->call_error('account_create', { name => 'A', plan => 'none' }),
    'PT404 plan_not_found', 'and so is an unknown plan';
is $b->sql('select count(*) from account'), 1, 'which leaves no account';
$b->sql(q{update setting set value = '100000000' where name = 'join_credits'});
my $rich = $b->call('account_create', { name => 'B' });
is $rich->{balance}, '100', 'credits for joining are there at once';
is $b->sql('select issue_key from credit_grant'), "join:$rich->{id}", 'once';

$b->sql('analyze app');
is $b->call_error('app_list', { account => 'Nobody0000' }), 'PT404 account_not_found',
    'apps of an unknown account are refused';
my $app = $b->call('app_create', { %$actor, account => $a->{id}, name => 'Web',
                                   kind => 'web' });
like $app->{id}, qr/^app_[0-9A-Za-z]{10}$/, 'an app has an id of its own';
is fields_set($a->{id}), "{\"a:$app->{id}\": \"active\"}", 'which the edge learns';
is $b->call_error('app_create', { account => $a->{id}, name => 'X', kind => 'tv' }),
    'PT422 invalid_argument', 'its kind is one of four';
is $b->call_error('app_create', { account => 'Nobody0000', name => 'X' }),
    'PT404 account_not_found', 'and its account exists';

is $b->call_error('key_list', { account => 'Nobody0000' }), 'PT404 account_not_found',
    'keys of an unknown account are refused, before there are any too';
my $key = $b->call('key_create', { %$actor, app => $app->{id}, name => 'main',
                                   expires_at => '2999-01-31T12:00:00.5+07:00' });
my ($secret) = $key->{key} =~ /^tg_live_$a->{id}(\w{32})\w{6}$/;
is $key->{key}, Tollgate::make_key($a->{id}, $secret), 'a key has its checksum';
is "$key->{prefix}...$key->{last4} $key->{expires_at}",
    substr($key->{key}, 0, 12) . '...' . substr($key->{key}, -4)
    . ' 2999-01-31T05:00:00.500000Z', 'and shows how it begins and ends, and when it expires';
my $hash = Digest::SHA::sha256_hex($key->{key});
like fields_set($a->{id}), qr/^\{"k:$hash": "$key->{id} $app->{id} active 32\d{12}"\}$/,
    'the edge learns its hash';
for my $table (qw(api_key audit_log command)) {
    is $b->sql("select count(*) from $table t where t::text like '%$secret%'"), 0,
        "$table does not know the secret";
}
like $b->call('key_create', { app => $app->{id}, test => JSON::PP::true })->{key},
    qr/^tg_test_/, 'a test key says so';
for my $case ([expires_at => '2020-01-01'], [expires_at => 'soon'],
              [expires_at => '2999-02-30T00:00:00Z'], [test => 'perhaps']) {
    is $b->call_error('key_create', { app => $app->{id}, $case->[0] => $case->[1] }),
        'PT422 invalid_argument', "a key with $case->[0] \"$case->[1]\" is refused";
}
is $b->call_error('key_create', { app => 'app_none' }), 'PT404 app_not_found',
    'and one of no app';

is $b->sql('select api.authenticate($1)', $key->{key}),
    "{\"key\": \"$key->{id}\", \"account\": \"$a->{id}\"}", 'a key opens its account';
is $b->sql('select api.authenticate($1)', $key->{key} . 'x'), undef, 'another text does not';
my $gone = $b->call('key_revoke', { %$actor, key => $key->{id} });
is $gone->{state}, 'revoked', 'a key can be revoked';
like fields_set($a->{id}), qr/$key->{id} $app->{id} revoked/, 'the edge keeps its record';
is_deeply $b->call('key_revoke', { key => $key->{id} }), $gone, 'twice is once';
is $b->sql('select api.authenticate($1)', $key->{key}), undef, 'it opens nothing more';
is $b->call_error('key_revoke', { key => 'key_none' }), 'PT404 key_not_found',
    'an unknown key is refused';

is $b->call('account_set_state', { %$actor, account => $a->{id},
                                   state => 'suspended' })->{state}, 'suspended',
    'an account can be suspended';
is fields_set($a->{id}), '{"state": "suspended"}', 'at the edge too';
is $b->call_error('account_set_state', { account => $a->{id}, state => 'frozen' }),
    'PT422 invalid_argument', 'but not frozen by hand';
$b->sql(q{select ledger.account_freeze($1, 'test', '{}')}, $a->{id});
is $b->call_error('account_set_state', { account => $a->{id}, state => 'active' }),
    'PT409 account_frozen', 'and not thawed by hand';

my $page = $b->call('account_list', { limit => '1' });
is @{ $page->{data} } . $page->{has_more}, '11', 'a list comes in pages';
my $next = $b->call('account_list', { limit => 1, cursor => $page->{next_cursor} });
isnt $next->{data}[0]{id}, $page->{data}[0]{id}, 'that follow each other';
ok !$next->{has_more}, 'and end';
for my $limit (0, 101, 'all', 1.5) {
    is $b->call_error('account_list', { limit => $limit }), 'PT422 invalid_argument',
        "a page of $limit is refused";
}

is $b->sql(q{select string_agg(action, ' ' order by id) from audit_log
    where actor = 'operator'}),
    'account.create app.create key.create key.revoke account.set_state',
    'what an operator changed is in the audit log, once';
is $b->sql('select count(*) from lib.audit_breaks()'), 0, 'whose chain is whole';
$b->psql("host=$b->{dir}/pg dbname=tollgate user=postgres",
    q{set session_replication_role = replica;
      update audit_log set detail = '{"state": "other"}' where id = 3;});
is $b->sql('select string_agg(b::text, \' \') from lib.audit_breaks() b'), 3,
    'a change behind the rules is found';
my ($check) = grep { $_->{name} eq 'audit' } @{ $b->call('doctor', {})->{checks} };
ok !$check->{ok} && $check->{hint}, 'and the doctor tells';

done_testing;
