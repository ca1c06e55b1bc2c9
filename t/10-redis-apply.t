# apply.lua applies each command of the worker once and in order.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Tollgate;
use Tollgate::Gate;

my $t = Tollgate->new;
$t->redis;

my $account = 'Apply00001';
my $wallet = Tollgate::wallet_key($account);
my $max = '9007199254740991';
my $links = 0;

sub apply {
    my ($number, $delta, $set, @delete) = @_;

    my @pairs = %{ $set // {} };

    return $t->script('apply', [$wallet, Tollgate::ledger_key($account)],
        [$account, $number, $delta, @pairs / 2, @pairs, scalar @delete,
         @delete]);
}

sub wallet { return { @{ $t->r('HGETALL', $wallet) } } }

# The same call changes nothing: its answer, or "raised" for an error.
sub refused {
    my (@args) = @_;

    my $before = snapshot($t, $account);
    my $answer = eval { apply(@args) } // 'raised';

    return $answer . (snapshot($t, $account) eq $before ? '' : ' and written');
}

is refused(2, 5), -1, 'the first command of a wallet is number 1';
is refused(0, 5), 0, 'number 0 has always been applied';
is $t->r('EXISTS', $wallet), 0, 'neither makes a wallet';

is apply(1, 0, { state => 'active', plan => 'payg' }), 1,
    'command 1 makes the wallet';
is_deeply wallet(), { epoch => 1, seq => 0, avail => 0, held => 0, cmd => 1,
    state => 'active', plan => 'payg' }, 'at epoch 1 and zeroes';
is scalar events($t, $account), 0, 'no event where nothing moved';

is apply(2, 100, { 'k:abc' => 'key_1 app_1 active 0',
                   'a:app_1' => 'active' }), 1, 'credits and records come';
is_deeply wallet(), { epoch => 1, seq => 1, avail => 100, held => 0, cmd => 2,
    state => 'active', plan => 'payg', 'k:abc' => 'key_1 app_1 active 0',
    'a:app_1' => 'active' }, 'together';
my ($event) = events($t, $account);
ok delete $event->{t} > 1e15, 'the event tells its time in us';
is_deeply $event, { a => $account, e => 1, s => 1, k => 'command', d => 100,
    v => 100, h => 0, n => 2, i => '' }, 'it carries the command number';

is refused(2, 100), 0, 'a command comes twice';
is refused(1, 100), 0, 'or late';
is refused(4, 100), -1, 'or too early';

is apply(3, -40, {}, 'k:abc', 't:key_1', 'k:none'), 1,
    'a negative delta and fields to delete';
ok !exists wallet()->{'k:abc'}, 'the record is gone';
$event = (events($t, $account))[-1];
is "$event->{d} $event->{v} $event->{s} $event->{n}", '-40 60 2 3',
    'the register tells the delta';

# Balances from zero to 2^53 - 1.
is refused(4, -61), -2, 'avail never goes below zero';
is apply(4, -60), 1, 'but to zero';
is refused(5, '9007199254740992'), -2, 'nor to 2^53';
is apply(5, $max), 1, 'but to the integer below';
is wallet()->{avail}, $max, 'with every digit';
is((events($t, $account))[-1]{d}, $max, 'in the register too');
is refused(6, 1), -2, 'one more does not fit';
is refused(6, $max), -2, 'nor the largest number again';
is apply(6, "-$max"), 1, 'all of it can go at once';
is((events($t, $account))[-1]{d}, "-$max", 'with every digit');
is refused(7, '-9007199254740993'), -2, 'a delta below -2^53 is refused';

is apply(7, '-0', { state => 'frozen' }), 1, 'a delta of -0 is none';
is wallet()->{seq}, 5, 'and makes no event';

# What a command may not do.
for my $field (qw(avail held seq epoch cmd day day_used month_used t:key_1 k:
                  a: x), '') {
    is refused(8, 0, { $field => 5 }), 'raised',
        "a command can't set \"$field\"";
}
is refused(8, 0, {}, $_), 'raised', "a command can't delete $_"
    for qw(avail held seq epoch cmd state plan day k:);
is refused(8, $_), 'raised', "a delta of \"$_\" is an error"
    for '', 'x', '1.5', 'nan', 'inf';
is refused($_, 0), 'raised', "a command number of \"$_\" is an error"
    for '', 'x', '1.5', '-1';
for my $args ([2, 'state', 'active', 0], [1, 'state', 'active', 2, 'k:1'],
              [0, 0, 'k:1'], [0]) {
    my $before = snapshot($t, $account);
    my $done = eval {
        $t->script('apply', [$wallet, Tollgate::ledger_key($account)],
                   [$account, 8, 0, @$args]);
        1;
    };
    ok !$done && snapshot($t, $account) eq $before,
        "counts that don't fit (@$args) are an error";
}

for my $field (qw(epoch seq avail held cmd)) {
    my $kept = wallet()->{$field};
    $t->r('HSET', $wallet, $field => 'x');
    is refused(8, 5), -2, "a wallet whose $field is no number is refused";
    $t->r('HSET', $wallet, $field => $kept);
}
is apply(8, 5), 1, 'and goes on once it is whole again';
is join(' ', map { $_->{s} } events($t, $account)), '1 2 3 4 5 6',
    'the register has no gap';

# units of quota return to the windows that they were used in
$t->wallet('Apply00002', cmd => 1, day => 86400, day_used => 5, month => 0,
           month_used => 9);
sub give_back {
    return $t->script('apply', [Tollgate::wallet_key('Apply00002'),
        Tollgate::ledger_key('Apply00002')],
        ['Apply00002', $_[0], 0, 1, 'units', $_[1], 0]);
}
sub used {
    return join ' ', @{ $t->r('HMGET', Tollgate::wallet_key('Apply00002'),
                              'day_used', 'month_used', 'units') }[0, 1],
        $t->r('HEXISTS', Tollgate::wallet_key('Apply00002'), 'units');
}
is give_back(2, '2 86400 0') . ': ' . used(), '1: 3 7 0',
    'units return to both windows';
is give_back(2, '2 86400 0') . ': ' . used(), '0: 3 7 0', 'once';
is give_back(3, '2 0 0') . ': ' . used(), '1: 3 5 0',
    'but not to a day that is over';
is give_back(4, '9 86400 0') . ': ' . used(), '1: 0 0 0', 'and never below 0';
is eval { give_back(5, 'many') } // 'raised', 'raised',
    'what is no number of units is refused';

# What a link was used is told after a loss: it keeps what is more, and nothing takes it lower.
for ([2, 2], [1, 2], [3, 3]) {
    $t->script('apply', ['tg:{7}:w:Links00001', 'tg:{7}:ledger'], ['Links00001', ++$links, 0, 1, 'link', "x 0 $_->[0]", 0]);
    is $t->r('HGET', 'tg:{7}:d:Links00001:x', 'n'), $_->[1], "told of $_->[0] downloads, it knows $_->[1]";
}
done_testing;
