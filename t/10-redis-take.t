#!/usr/bin/perl
# apply.lua's "take": a command that charges the wallet, all of it or nothing,
# and tells by an event which.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Tollgate;
use Tollgate::Gate;

my $t = Tollgate->new;
$t->redis;
my $account = 'Taken00001';
my $wallet = Tollgate::wallet_key($account);
$t->wallet($account, avail => 30, seq => 4);

sub take {
    my ($number, $value, $delta, @more) = @_;

    my @pairs = ('take', $value, @more);
    return eval {
        $t->script('apply', [$wallet, Tollgate::ledger_key($account)],
            [$account, $number, $delta // 0, @pairs / 2, @pairs, 0]);
    } // 'raised';
}

sub now {
    return join ' ', @{ $t->r('HMGET', $wallet, qw(avail seq cmd)) };
}

sub told { return join ' ', map { "$_->{k} $_->{s} $_->{d} $_->{v} $_->{n} $_->{i}" }
               events($t, $account) }

is take(1, 'abc 20'), 1, 'what the wallet has is taken';
is now(), '10 5 1', 'from it, by one event';
is told(), 'charge 5 -20 10 0 abc - - - - 20 0', 'which is a charge of that id';
is take(1, 'abc 20') . ' ' . now(), '0 10 5 1', 'once';
is take(2, 'def 11') . ' ' . now(), '1 10 6 2', 'of what it has not, nothing is';
like told(), qr/ charge 6 0 10 0 def - - - - 0 0$/, 'which an event tells too';
is take(3, 'ghi 10') . ' ' . now(), '1 0 7 3', 'all that it has may be taken';
is take(5, 'jkl 0'), -1, 'in the order of commands';
my $before = snapshot($t, $account);
is take(4, $_), 'raised', "\"$_\" is an error"
    for '', 'x', 'x -1', 'x 1.5', 'a b 1', "x 1;y", 'x 1e99';
is take(4, 'x 1', 5), 'raised', 'and so is a delta beside it';
is snapshot($t, $account), $before, 'none of which changes anything';
is take(4, 'x 0', 0, state => 'suspended'), 1, 'other pairs may stand beside it';
is take(5, 'buy 1', 0, 'e:film' => 'ent1 0 -1 life'), 1, 'what it buys';
is $t->r('HGET', $wallet, 'e:film'), undef, 'is not set where it is not paid';
$t->r('HSET', $wallet, avail => 7);
is take(6, 'buy 7', 0, 'e:film' => 'ent1 0 -1 life') . ' ' . now(), '1 0 10 6',
    'and where it is paid';
is $t->r('HGET', $wallet, 'e:film'), 'ent1 0 -1 life', 'it is';
is $t->r('HGET', $wallet, 'take'), undef, 'it is no field of the wallet';

done_testing;
