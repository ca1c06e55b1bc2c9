#!/usr/bin/perl
# The mirror carries commands once and in order, and fills a Redis that is empty.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Tollgate::Gate;
use Tollgate::Story;

my $t = Tollgate::Story->new;
$t->redis;
$t->postgres;
$t->worker('mirror.idle_ms' => 50);
$t->load_demo;

my $shards = $Tollgate::SHARDS;
$t->wait_for(sub { grep({ $t->r('EXISTS', "tg:{$_}:plan:payg") }
                        0 .. $shards - 1) == $shards },
             'every shard to have a copy of a plan');
like $t->r('HGET', 'tg:catalog', 'body'), qr/^tier\t0\tfree\t/m,
    'the catalog is there, as lines of fields';

my $c = $t->customer(credits => '20', plan => 'premium');
my %wallet = @{ $t->r('HGETALL', Tollgate::wallet_key($c->{account})) };
is $wallet{plan}, 'premium', 'an account has its plan';
is $wallet{avail}, 20_000_000, 'and its credits';
is $wallet{'a:' . $c->{app}}, 'active', 'its app';
is $wallet{'k:' . key_hash($c->{key})}, "$c->{key_id} $c->{app} active 0",
    'and its key';

# Commands that were given while Redis was away, many of one account.
$t->r('CONFIG', 'SET', 'appendonly', 'yes');
$t->wait_for(sub { $t->r('INFO', 'persistence') =~ /aof_rewrite_in_progress:0/ },
             'Redis to write its log');
$t->r('CONFIG', 'SET', 'appendfsync', 'always');
$t->{redis_config}{appendonly} = 'yes';
$t->redis_stop('TERM');
$t->must('POST', "/api/accounts/$c->{account}/credits", { credits => '1' })
    for 1 .. 20;
$t->redis_start;
$t->mirrored;
%wallet = @{ $t->r('HGETALL', Tollgate::wallet_key($c->{account})) };
is $wallet{avail}, 40_000_000, 'grants made while Redis was away arrive once';

# Killed between Redis and Postgres: what was sent is sent again.
for my $round (1 .. 3) {
    $t->must('POST', "/api/accounts/$c->{account}/credits", { credits => '1' })
        for 1 .. 10;
    my $master = delete $t->{processes}{worker};
    kill 'KILL', $master;
    waitpid $master, 0;
    $t->worker_start;
}
$t->mirrored;
is $t->r('HGET', Tollgate::wallet_key($c->{account}), 'avail'), 70_000_000,
    'a command that is sent twice counts once';
my $proof = $t->verified;
ok $proof->{ok}, 'and the proof agrees' or diag explain $proof;

my $before = $t->r('HGET', 'tg:catalog', 'version');
my ($plan) = grep { $_->{code} eq 'premium' }
    @{ $t->must('GET', '/api/plans')->{data} };
delete @$plan{qw(code version)};
$t->must('PUT', '/api/plans/premium', { %$plan, name => 'Premium and more' });
$t->wait_for(sub { $t->r('HGET', 'tg:{7}:plan:premium', 'name') eq 'Premium and more' },
             'a change of a plan to reach its copies');
$t->wait_for(sub { $t->r('HGET', 'tg:catalog', 'version') > $before },
             'the catalog to be newer');

$t->r('DEL', 'tg:{3}:plan:payg');
$t->r('DEL', 'tg:catalog');
$t->wait_for(sub { $t->r('EXISTS', 'tg:{3}:plan:payg', 'tg:catalog') == 2 },
             'copies that Redis lost to come back', 15);
pass 'copies that Redis lost come back';

# The wallet is lost: the next command can't follow, and with it the wallet comes back.
$t->settled;
$t->r('DEL', Tollgate::wallet_key($c->{account}));
my $d = $t->customer(credits => '5');
$t->must('POST', "/api/accounts/$c->{account}/credits", { credits => '1' });
$t->wait_for(sub { $t->slurp('worker.log') =~ /the store lacks the commands/ },
             'a lost wallet to be noticed');
$t->wait_for(sub {
    ($t->r('HGET', Tollgate::wallet_key($c->{account}), 'avail') // 0) == 71_000_000
}, 'a wallet that is lost to be made again, with the command that told');
$t->must('POST', "/api/accounts/$d->{account}/credits", { credits => '1' });
$t->wait_for(sub {
    $t->r('HGET', Tollgate::wallet_key($d->{account}), 'avail') == 6_000_000
}, 'other accounts to go on');
# Something else stands where a wallet was.
my $e = $t->customer(credits => '5');
$t->settled;
$t->r('SET', Tollgate::wallet_key($d->{account}), 'no wallet');
$t->must('POST', "/api/accounts/$_->{account}/credits", { credits => '1' })
    for $d, $e;
$t->wait_for(sub {
    $t->must('GET', "/api/accounts/$d->{account}")->{state} eq 'frozen'
        && $t->r('HGET', Tollgate::wallet_key($e->{account}), 'avail') == 6_000_000
}, 'an account without a readable wallet to be frozen, and others to go on');
cmp_ok scalar(() = $t->slurp('worker.log') =~ /the store lacks the commands/g),
    '<', 20, 'and the log is not flooded';

done_testing;
