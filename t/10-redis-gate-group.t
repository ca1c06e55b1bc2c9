# gate.lua decides requests of many accounts in one call, each account as if it
# were alone: its own verdicts, its own event, its own errors.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Tollgate;
use Tollgate::Gate;

my $t = Tollgate->new;
$t->redis;
$t->plan('hybrid', mode => 'hybrid', day => 9, month => 50);
$t->plan('slow', key_rate => 60_000_000, key_burst => 3,
         app_rate => 60_000_000, app_burst => 4);

my @accounts = map { sprintf 'Group%05d', $_ } 1 .. 9;
my %shard = map { ($_, Tollgate::shard($_)) } @accounts;
my %key;

sub begin {
    $t->r('DEL', map { Tollgate::ledger_key($_) } @accounts);
    for my $account (@accounts) {
        $t->wallet($account, avail => 100);
        $key{$account} = $t->key($account);
    }
    return;
}

sub wallet { return join ' ', @{ $t->r('HMGET', Tollgate::wallet_key($_[0]), qw(avail seq)) } }

sub told { return join ', ', map { ref $_ ? verdicts(@$_) : $_ =~ s/ .*//sr } @_ }

# Each has its own answers and its own event, with all kinds of answers beside
# each other.
begin();
$t->r('HSET', Tollgate::wallet_key($accounts[1]), plan => 'hybrid');
$t->r('HSET', Tollgate::wallet_key($accounts[2]), plan => 'slow');
my @all = gate_all($t,
    [$accounts[0], map { +{ key => $key{ $accounts[0] }, cost => $_ } } 60, 50, 40],
    [$accounts[1], map { +{ key => $key{ $accounts[1] }, cost => 10, units => 6 } } 1, 2],
    ['Nobody0001', { key => 'none' }],
    [$accounts[2], map { +{ key => $key{ $accounts[2] } } } 1 .. 4],
    [$accounts[3], { key => $key{ $accounts[3] }, cost => 7, dry_run => 1 }]);
is told(@all), 'pass credits_exhausted pass, pass pass, key_unknown, '
    . 'pass pass pass rate_limited, pass', 'accounts are decided by themselves';
is join(' ', map { $_->{credits} . '/' . $_->{units} } @{ $all[1] }), '0/6 10/0',
    'each by its own plan';
is "$all[1][0]{day_left} $all[3][3]{key_left} $all[3][3]{limit} $all[4][0]{avail}",
    '3 0 key_rate 93', 'and told what its plan has';
is join(', ', map { wallet($_) } @accounts[0 .. 3]), '0 1, 90 1, 100 0, 100 0',
    'and pays by itself';
is join(' ', map { my @e = events($t, $_); @e . ($e[0] ? ":$e[0]{d}" : '') } @accounts[0 .. 3]),
    '1:-100 1:-10 0 0', 'with one event of its own';

# What is wrong with one is told to it alone.
begin();
my ($broken, $stuck) = @accounts[1, 3];
$t->r('SET', Tollgate::wallet_key($broken), 'no hash');
$t->r('SET', Tollgate::ledger_key($stuck), 'no stream');
my %others = map { ($_, 1) } grep { $_ ne $broken && $shard{$_} != $shard{$stuck} } @accounts;
@all = gate_all($t, map { [$_, ({ key => $key{$_}, cost => 5 }) x 2] } @accounts);
is told(@all), join(', ', map { $others{$_} ? 'pass pass' : 'WRONGTYPE' } @accounts),
    'one whose wallet or ledger is broken is told so, where it stands';
is join(', ', map { wallet($_) } sort keys %others), join(', ', ('90 1') x keys %others),
    'and the others are charged';
is wallet($stuck), '100 0', 'what the register could not take was not charged';
$t->r('DEL', Tollgate::wallet_key($broken), Tollgate::ledger_key($stuck));

# A full Redis is told to each.
begin();
my @full = map { [$_, { key => $key{$_}, cost => 5 }] } @accounts;
push @{ $full[2] }, { key => 'no such key' };
$t->r('CONFIG', 'SET', 'maxmemory', 1);
@all = gate_all($t, @full);
$t->r('CONFIG', 'SET', 'maxmemory', 0);
is told(@all), join(', ', ('OOM') x @accounts), 'a full Redis decides for nobody';
is join(', ', map { wallet($_) } @accounts), join(', ', ('100 0') x @accounts),
    'and charges nobody';
is told(gate_all($t, @full)), join(', ', map { $_ == 2 ? 'pass key_unknown' : 'pass' } 0 .. 8),
    'the next call goes well';

# Copies of a plan: each account's is that of its shard.
begin();
my ($one, $two) = @accounts[0, 1];
isnt $shard{$one}, $shard{$two}, 'two shards';
my @plan = map { "tg:{$shard{$_}}:plan:odd" } $one, $two;
$t->r('HSET', Tollgate::wallet_key($_), plan => 'odd') for $one, $two;
for my $row (['of the same version', 7, 7, 'pass, pass'],
             ['of another version', 7, 8, 'pass, tier_required'],
             ['without a version', undef, undef, 'pass, tier_required'],
             ['that is not there', 7, 'none', 'pass, store_unreachable']) {
    my ($what, $first, $second, $verdicts) = @$row;

    $t->r('DEL', @plan);
    $t->plan('odd', tier => 1);
    $t->r('HSET', $plan[1], tier => 0);
    $t->r('HDEL', $_, 'version') for @plan;
    $t->r('HSET', $plan[0], version => $first) if defined $first;
    $t->r('HSET', $plan[1], version => $second) if defined $second;
    $t->r('DEL', $plan[1]) if ($second // '') eq 'none';
    is told(gate_all($t, map { [$_, { key => $key{$_}, tier => 1 }] } $one, $two)),
        $verdicts, "a copy of a plan $what: $verdicts";
}

# The deadline is that of all.
begin();
my $late = $t->script('gate', gate_call(
    [map { [$_, { key => $key{$_}, cost => 1 }] } $one, $two], deadline => 1));
is join(' ', @{$late}[1, 2, 14, 15]), '0 deadline_passed 0 deadline_passed',
    'a call after its deadline decides for nobody';
is wallet($one) . ', ' . wallet($two), '100 0, 100 0', 'and charges nobody';

# One account twice would spend what it has twice.
my $twice = eval { gate_all($t, map { [$_, { key => $key{$_}, cost => 60 }] } $one, $two, $one); 1 } ? '' : $@;
like $twice, qr/an account comes twice/, 'an account that comes twice is refused';
is wallet($one) . ', ' . wallet($two), '100 0, 100 0', 'with the whole call';

done_testing;
