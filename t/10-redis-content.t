#!/usr/bin/perl
# Content at the gate: views that are bought and open for a while, what a plan
# includes, entitlements; and refunds, which close a view again.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Time::Local 'timegm';
use Tollgate;
use Tollgate::Gate;

my $t = Tollgate->new;
$t->redis;
$t->plan('pro', tier => 2, mode => 'subscription', day => 3, month => 3);
$t->plan('mixed', mode => 'hybrid', day => 3, month => 3);

my ($account, $wallet, $key) = ('');
my $serial = 0;

# An account with 100 micro-credits and these fields.
sub account {
    $account = sprintf 'Content%03d', ++$serial;
    $wallet = Tollgate::wallet_key($account);
    $t->wallet($account, avail => 100, @_);
    $key = $t->key($account);
    return;
}

# A request for content "sold,window,tier,code,bundle,..." at a cost of 5.
sub ask {
    my ($content, %more) = @_;
    return { key => $key, cost => 5, units => 1, extras => "content=$content",
             feature => 'content', %more };
}

sub told { return join ' ', map { "$_->{verdict} $_->{credits} $_->{units}" } @_ }
sub left { return $t->r('HGET', $wallet, 'avail') }
sub field { return $t->r('HGET', $wallet, $_[0]) // '-' }
sub view_key { return 'tg:{' . Tollgate::shard($account) . "}:v:$account:$_[0]" }

sub refund {
    my ($id, $answer) = @_;
    my $marker = 'tg:{' . Tollgate::shard($account) . "}:r:$id";
    return $t->script('refund',
        [$wallet, Tollgate::ledger_key($account), $marker],
        [$account, $id, @{$answer}{qw(epoch key app)}, 'content', '-',
         @{$answer}{qw(credits units day_end month_end)},
         $answer->{ticket} || '-']);
}

# A view is bought once.
account();
my $first = gate($t, $account, ask('1,600,-,film', id => 'v1'));
is told($first), 'pass 5 0', 'a view is charged';
is $first->{ticket}, 'content:film,-,0', 'the ticket tells what was opened';
is $t->r('GET', view_key('film')), 'v1 0', 'the view has the id of its request';
my $ttl = $t->r('TTL', view_key('film'));
ok $ttl > 590 && $ttl <= 600, 'and is open for its window';
is told(gate($t, $account, ask('1,600,-,film'))), 'pass 0 0', 'which is free';
is told(gate($t, $account, map { ask('1,600,-,other') } 1 .. 9)),
    'pass 5 0' . ' pass 0 0' x 8, 'of requests at once one is charged';
is left(), 90, 'so that two views were';
is scalar events($t, $account), 2, 'in two events';
ok $t->r('TTL', view_key('film')) <= $ttl, 'more use does not prolong a view';
$t->r('DEL', view_key('film'));
is told(gate($t, $account, ask('1,600,-,film'))), 'pass 5 0',
    'after its window it is charged again';

# Refusals and questions leave nothing.
account(avail => 4);
my $before = snapshot($t, $account);
is told(gate($t, $account, ask('1,600,-,film'))), 'credits_exhausted 0 0',
    'no credits, no view';
is told(gate($t, $account, ask('0,600,-,film'))), 'content_locked 0 0',
    'what is not sold by the view is locked';
is told(gate($t, $account, ask('1,600,-,film', cost => 4, dry_run => 1))),
    'pass 4 0', 'a dry run is answered';
is snapshot($t, $account), $before, 'none of which changes the wallet';
is $t->r('EXISTS', view_key('film')), 0, 'or opens a view';

# Plans.
account(plan => 'pro');
is told(gate($t, $account, map { ask("1,600,$_,film") } 0, 1, 2)),
    'pass 0 0 pass 0 0 pass 0 0', 'a plan of the tier includes it';
is $t->r('EXISTS', view_key('film')), 0, 'without a view';
is told(gate($t, $account, ask('1,600,3,film'), ask('0,600,3,gold'))),
    'pass 5 0 content_locked 0 0',
    'what it does not include is paid in credits, in a subscription too';
account(plan => 'mixed');
is told(gate($t, $account, ask('1,600,-,film'))), 'pass 5 0',
    'and in a hybrid, whose quota it leaves alone';

# Entitlements.
account('e:film' => 'ent1 0 -1 life');
is told(gate($t, $account, ask('0,600,-,film'))), 'pass 0 0', 'for ever';
account('e:film' => 'ent1 ' . (time - 1) . ' -1 life');
is told(gate($t, $account, ask('0,600,-,film'))), 'content_locked 0 0',
    'one that is over opens nothing';
account('e:film' => 'ent1 0 1 life', 'e:pack' => 'ent2 0 2 month');
is told(gate($t, $account, map { ask('0,600,-,film,box,pack') } 1, 2)),
    'pass 0 0 pass 0 0', 'a view that is open counts once';
is field('n:ent2') =~ / 1$/ && field('n:ent1'), '-',
    'of the month, which lapses before the other';
is told(gate($t, $account, map { ask("0,600,-,$_,pack") } qw(a b c))),
    'pass 0 0 content_locked 0 0 content_locked 0 0', 'two views a month';
$t->r('DEL', view_key('film'));
is told(gate($t, $account, ask('0,600,-,film,pack'))), 'pass 0 0', 'one in all';
is field('n:ent1'), '0 1', 'is counted for life';
$t->r('DEL', view_key('film'));
is told(gate($t, $account, ask('0,600,-,film,pack'))), 'content_locked 0 0',
    'and then used up';
$t->r('HSET', $wallet, 'n:ent2', '5 2');
is told(gate($t, $account, ask('0,600,-,film,pack'))), 'pass 0 0',
    'another month has its own views';
my @today = gmtime;
is field('n:ent2'), timegm(0, 0, 0, 1, @today[4, 5]) . ' 1',
    'from its first day on';

# Refunds.
account('e:film' => 'ent1 0 2 month');
my $shown = gate($t, $account, ask('1,600,-,film', id => 'r1'));
my $bought = gate($t, $account, ask('1,600,-,clip', id => 'r2'));
is refund('r1', $shown) . refund('r2', $bought), '11', 'both are given back';
is field('n:ent1') =~ / 0$/ && left(), 100, 'the view of the month, the credits';
is $t->r('EXISTS', view_key('film'), view_key('clip')), 0, 'no view is open';
is refund('r1', $shown), 0, 'a second time nothing is';
$bought = gate($t, $account, ask('1,600,-,clip', id => 'r3'));
gate($t, $account, ask('1,600,-,clip', id => 'r4'));
is refund('r3', $bought), 1, 'where another request has used the view';
is left() . ' ' . $t->r('GET', view_key('clip')), '95 r3 1', 'it stays paid';
is scalar(events($t, $account)), 3, 'and there is no event';
$bought = gate($t, $account, ask('1,600,-,late', id => 'r5'));
$t->r('SET', view_key('late'), 'r6 0');
is refund('r5', $bought) . $t->r('GET', view_key('late')), '1r6 0',
    'a later view of the same is left open';

done_testing;
