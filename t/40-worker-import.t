#!/usr/bin/perl
# The import of keys that customers hold, through the API: what is stored and
# told of a key, and its alias in Redis, which comes back where Redis lost it.

use strict;
use warnings;

use lib 't/lib';
use Digest::SHA qw(sha256_hex);
use Test::More;
use Tollgate::Story;

my $t = Tollgate::Story->new;
$t->redis(appendonly => 'no');
$t->postgres;
$t->worker('mirror.idle_ms' => 50);
$t->load_demo;

my $c = $t->customer;
my $d = $t->customer;

sub import_keys {
    my ($app, @keys) = @_;
    return $t->api('POST', '/api/keys/import', { app => $app, keys => \@keys });
}

sub alias_key {
    my ($hash) = @_;
    return sprintf 'tg:{%u}:x:%s', Tollgate::shard($hash), $hash;
}

sub alias { return $t->r('GET', alias_key($_[0])) }

sub marks { return scalar grep { $t->r('EXISTS', "tg:{$_}:x") } 0 .. $Tollgate::SHARDS - 1 }

$t->wait_for(sub { marks() == $Tollgate::SHARDS }, 'a mark in every shard that its aliases are there');
pass 'without imported keys too every shard says that its aliases are whole';

# Plain and hashed, long and short, printable characters of any kind.
my $long = 'sk-old/' . 'Ab3+' x 8 . '=="\\ {}';
my $short = 'old key!';
my $hashed = sha256_hex('hashed elsewhere');
my ($status, $report) = import_keys($c->{app}, { key => $long, name => 'long' }, { key => $short },
    { key => 'sha256:' . uc $hashed }, { sha256 => sha256_hex('also'), expires_at => '2100-01-01' });
is $status, 200, 'keys are imported';
is join(' ', map { "$_->{line}:$_->{status}" } @{ $report->{data} }),
    '1:imported 2:imported 3:imported 4:imported', 'each is answered for';
my @hashes = (sha256_hex($long), sha256_hex($short), $hashed, sha256_hex('also'));
$t->mirrored;
is join(' ', map { alias($_) // 'none' } @hashes), join(' ', ($c->{account}) x 4),
    'all have an alias that names the account';
my @ids = map { $_->{key} } @{ $report->{data} };
is $t->r('HGET', Tollgate::wallet_key($c->{account}), "k:$hashes[1]"), "$ids[1] $c->{app} active 0",
    'and a record in its wallet';
is $t->r('PEXPIRETIME', alias_key($hashes[3])), 4102444800000 + 86400000,
    'an alias ends a day after its key';
is $t->r('PEXPIRETIME', alias_key($hashes[0])), -1, 'or never';

my %listed = map { $_->{id} => $_ } @{ $t->must('GET', "/api/keys?app=$c->{app}")->{data} };
is join('|', map { "$listed{$_}{prefix}$listed{$_}{last4}" } @ids), 'sk-o\\ {}|||',
    'of a long key its ends are shown, of a short or hashed one nothing';

# What is refused tells nothing of the key.
for my $row (['too short', { key => 'short12' }], ['at most 512', { key => 'x' x 513 }],
             ['printable ASCII', { key => "tab\tbed key" }], ['printable ASCII', { key => "caf\x{e9} caf\x{e9}" }],
             ['a space', { key => ' leading space' }], ['Bearer', { key => 'bearer abcdefgh' }],
             ['form of a key of Tollgate', { key => $c->{key} }], ['one of key and sha256', { name => 'none' }],
             ['one of key and sha256', { key => 'secret01', sha256 => $hashed }],
             ['one of key and sha256', { key => 12345678 }], ['64 hexadecimal', { key => 'sha256:secret02' }],
             ['no key has', { key => 'secret03', secret04 => 'x' }], ['not an object', 'secret05'],
             ['again', { key => $short }])
{
    my ($detail, $entry) = @$row;
    ($status, my $problem, my $r) = import_keys($c->{app}, $detail eq 'again' ? $entry : (), $entry);
    is "$status $problem->{code}", '422 invalid_argument', "refused: $detail";
    like $problem->{detail}, qr/\Q$detail\E/, 'and why';
    unlike $r->{body}, qr/secret0|short12|leading|abcdefgh|\Q$c->{key}/, 'without any of the key';
}
is((import_keys($d->{app}, { key => $long }))[0], 422, 'a key of another account is not imported');
my (undef, undef, $r) = $t->api('POST', '/api/keys/import', qq({"app": "$c->{app}", "keys": [{"key": "secret06" "}));
is $r->{status}, 400, 'broken JSON is refused';
unlike $r->{body}, qr/secret06/, 'without a piece of it';

# A store that was emptied gets all aliases again, and only then the marks.
my @many = map { { key => sprintf 'a customer key %05d', $_ } } 1 .. 1200;
is((import_keys($d->{app}, @many))[0], 200, 'many are imported at once');
$t->mirrored;
my @all = (@hashes, map { sha256_hex($_->{key}) } @many);
$t->r('FLUSHALL');
$t->wait_for(sub { marks() == $Tollgate::SHARDS }, 'the marks to come back', 15);
is scalar(grep { !defined alias($_) } @all), 0, 'once the marks are back all aliases are';
$t->redis_stop;
$t->redis_start;
$t->wait_for(sub { marks() == $Tollgate::SHARDS }, 'the marks of a Redis that restarted', 15);
is scalar(grep { !defined alias($_) } @all), 0, 'after a restart too';
$t->r('DEL', alias_key($hashes[0]));
$t->wait_for(sub { alias($hashes[0]) }, 'an alias that got lost alone', 20);
is alias($hashes[0]), $c->{account}, 'a single one is written again in time';

# Something else in the way holds nobody up; an ended alias leaves.
$t->must('PUT', "/api/keys/$ids[2]", { expires_at => '2100-01-02' });
$t->wait_for(sub { $t->r('PEXPIRETIME', alias_key($hashed)) == 4102617600000 }, 'the alias to follow the expiry', 15);
$t->must('PUT', "/api/keys/$ids[2]", { expires_at => undef });
$t->wait_for(sub { $t->r('PEXPIRETIME', alias_key($hashed)) == -1 }, 'and its end', 15);
$t->must('DELETE', "/api/keys/$ids[2]");
$t->wait_for(sub { $t->r('PTTL', alias_key($hashed)) > 0 }, 'the alias of a revoked key to be let go');
cmp_ok $t->r('PTTL', alias_key($hashed)), '<=', 86_400_000, 'within a day';

my $rows = join ' ', map { join ' ', map { $_ // '' } @$_ } $t->sql('select * from api_key'), $t->sql('select * from audit_log'),
    $t->sql('select * from command');
unlike $rows, qr/\Q$long\E|\Q$short\E|a customer key 0/, 'no key is in the database';
unlike $t->slurp('worker.log') . $t->slurp('postgres.log'), qr/\Q$long\E|old key!|secret0|a customer key/, 'or in a log';

done_testing;
