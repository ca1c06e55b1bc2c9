#!/usr/bin/perl
# Keys that customers held before, in SQL: what becomes of each entry of a list,
# all of it or nothing, and the aliases by which the edge finds such keys.

use strict;
use warnings;

use lib 't/lib';
use Digest::SHA qw(sha256_hex);
use JSON::PP;
use Test::More;
use Tollgate;
use Tollgate::Books;

my $t = Tollgate::Books->begin;
my $account = $t->account;
my $app = $t->call('app_create', { account => $account, name => 'Web' })->{id};
my $other = $t->call('app_create', { account => $t->account, name => 'Other' })->{id};

sub entry { return { hash => sha256_hex(shift), @_ } }

sub import_keys {
    my ($keys, %more) = @_;
    return $t->call('key_import', { app => $app, keys => $keys, %more });
}

sub statuses { return join ' ', map { $_->{status} } @{ $_[0]{data} } }

sub count { return join ' ', map { scalar $t->sql("select count(*) from $_") } qw(api_key key_alias command audit_log) }

sub due { return map { join ' ', @$_[1 .. 5] } $t->sql('select * from mirror.aliases_due(100)') }

# A dry run tells what the call would do, and does nothing.
my @keys = (entry('one', line => 2, name => 'first', prefix => 'sk-1', last4 => '9999'),
            entry('two', line => 3, expires_at => '2100-01-01', scopes => ['a.*'], ips => ['10.0.0.0/8']));
my $before = count();
my $preview = import_keys(\@keys, dry_run => JSON::PP::true);
is statuses($preview), 'imported imported', 'a dry run tells what would be imported';
is count(), $before, 'and writes nothing';
ok !defined $preview->{data}[0]{key}, 'nor gives ids';

my $report = import_keys(\@keys);
is "$report->{imported} $report->{present} $report->{refused}", '2 0 0', 'the import takes both over';
is_deeply [map { $_->{line} } @{ $report->{data} }], [2, 3], 'and answers line by line';
my ($one, $two) = map { $_->{key} } @{ $report->{data} };
my ($set) = map { decode_json($_->[0]) } $t->sql('select set_fields from command where account = $1 order by no desc limit 1', $account);
is_deeply $set, { 'k:' . sha256_hex('one') => "$one $app active 0",
                  'k:' . sha256_hex('two') => "$two $app active 4102444800000 rules",
                  "r:$two" => "ip 0a000000/8\nscope a.*" },
    'the wallet gets both keys by one command';
is_deeply [sort { $a cmp $b } due()], [sort map { join ' ', 1, Tollgate::shard(sha256_hex($_->[0])), sha256_hex($_->[0]), $account, $_->[1] }
    ['one', 0], ['two', 4102444800000 + 86400000]], 'and the shard of each hash an alias, until a day after expiry';

my ($shown) = grep { $_->{id} eq $one } @{ $t->call('key_list', { app => $app })->{data} };
is "$shown->{name} $shown->{prefix} $shown->{last4} $shown->{imported}", 'first sk-1 9999 1',
    'a list shows what of it may be shown';

# The same list again, and with what can't be taken.
$before = count();
is statuses(import_keys(\@keys)), 'present present', 'the same list again finds both there';
is count(), $before, 'and changes nothing';
my @bad = ([entry('one'), entry('three'), entry('three')], qr/line 3 is the key of line 2 again/,
           [entry('x', name => 'n' x 201)], qr/line 1 is wrong: "name" must be a text/,
           [entry('x', expires_at => '2020-01-01')], qr/a time to come/,
           [entry('x', ips => ['home'])], qr/addresses or networks/,
           [{ fault => 'is too short', line => 7 }, entry('y')], qr/line 7 is too short/);
while (my ($keys, $detail) = splice @bad, 0, 2) {
    my $error = $t->sql_error('select api.key_import($1::jsonb)', encode_json({ app => $app, keys => $keys }));
    is $error->{message}, 'invalid_argument', 'a list with a wrong entry is refused';
    like $error->{text}, $detail, "and says: $detail";
}
like $t->sql_error('select api.key_import($1::jsonb)', encode_json({ app => $other, keys => [$keys[0]] }))->{text},
    qr/line 2 is a key of another account/, 'a key is of one account';
is statuses($t->call('key_import', { app => $other, keys => [$keys[0], entry('z')], dry_run => JSON::PP::true })),
    'refused imported', 'and a dry run says of which lines that is so';
is count(), $before, 'all or nothing: nothing of them was written';
is $t->sql_error('select api.key_import($1::jsonb)', encode_json(pop @$_))->{message}, $_->[0], $_->[1]
    for ['app_not_found', 'there has to be such an app', { app => 'app_0000000000', keys => \@keys }],
        ['invalid_argument', 'and an entry', { app => $app, keys => [] }],
        ['invalid_argument', 'in a list', { app => $app, keys => 'x' }];

# What Redis has is noted by version: a change in between is carried again.
my %carried = map { $_->[0] => 0 + $_->[1] } $t->sql('select key, version from mirror.aliases_due(100)');
$t->call('key_update', { key => $two, expires_at => undef });
$t->sql('select mirror.aliases_carried($1::jsonb)', encode_json(\%carried));
is_deeply [due()], [join ' ', 2, Tollgate::shard(sha256_hex('two')), sha256_hex('two'), $account, 0],
    'a change of the expiry changes the alias';
$t->sql('select mirror.aliases_carried($1::jsonb)', encode_json({ $two => 2 }));
is_deeply [due()], [], 'all is carried';
$t->sql(q{select lib.clock_freeze('2030-01-01T00:00:00Z')});
$t->call('key_revoke', { key => $one });
is_deeply [due()], [join ' ', 2, Tollgate::shard(sha256_hex('one')), sha256_hex('one'), $account, 1893456000000 + 86400000],
    'of a revoked key it ends in a day';
like $t->sql_error('select api.key_import($1::jsonb)', encode_json({ app => $app, keys => [$keys[0]] }))->{text},
    qr/line 2 was revoked, which is for good/, 'and the key is not imported again';

sub round { return join ' ', sort map { $_->[0] } $t->sql('select * from mirror.aliases_after($1, 10)', shift // '') }
is round(), join(' ', sort $one, $two), 'a round has all aliases';
is round((sort $one, $two)[0]), (sort $one, $two)[1], 'from where the last part of it ended';
$t->sql(q{select lib.clock_freeze('2030-01-02T00:00:01Z')});
is round(), $two, 'and none that has ended';

# They are keys as others: paused, resumed, rerolled to one of ours.
is $t->call("key_$_", { key => $two })->{state}, $_ eq 'pause' ? 'paused' : 'active', "$_ works" for qw(pause resume);
my $next = $t->call('key_reroll', { key => $two, overlap => '1h' });
like $next->{key}, qr/^tg_live_$account/, 'a reroll makes a key of ours';
ok !$next->{imported}, 'which is not imported';
is $t->sql('select count(*) from key_alias'), 2, 'and needs no alias';
is_deeply $next->{scopes}, ['a.*'], 'with the rules of the old one';
my $hash = sha256_hex('two');
is +(grep { /$hash/ } due())[0] =~ s/.* //r, 1893542401000 + 3600000 + 86400000, 'whose alias ends a day after the overlap';

# Many at once are few commands.
my $commands = $t->sql('select count(*) from command where account = $1', $account);
is import_keys([map { entry("many $_") } 1 .. 1000])->{imported}, 1000, 'a thousand keys are imported';
is $t->sql('select count(*) from command where account = $1', $account) - $commands, 5, 'by five commands';
is $t->sql('select count(distinct f) from command, jsonb_object_keys(set_fields) f where f like $1', 'k:%'), 1003,
    'that have the records of all';
is $t->sql('select count(*) from lib.audit_breaks()'), 0, 'the audit chain is whole';

done_testing;
