#!/usr/bin/perl
# Random views, entitlements, refunds and ends of windows: the gate decides as a
# model does, charges no view twice in its window and gives no more views than
# an entitlement has.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Tollgate;
use Tollgate::Gate;

my $STEPS = 4000;
my $seed = $ENV{SEED} // time;
srand $seed;

my $t = Tollgate->new;
$t->redis;
$t->plan('pro', tier => 2, mode => 'subscription');

my @codes = qw(a b c d);
my %bundles = (a => ['x'], b => ['x', 'y'], c => [], d => ['y']);
my %sold = (a => 1, b => 0, c => 1, d => 0);
my %tier = (a => '-', b => '-', c => 2, d => '-');

my $account = 'ModelCont1';
my $wallet = Tollgate::wallet_key($account);
my $view_prefix = 'tg:{' . Tollgate::shard($account) . "}:v:$account:";
$t->wallet($account, avail => 3000);
my $key = $t->key($account);

# The model: avail, plan, open views by code, entitlements by id.
my ($avail, $plan, %views, %ents, %given) = (3000, 'payg');
my ($serial, $bad, @taken) = (0, 0);

sub fail_at { diag "SEED=$seed: @_" if ++$bad < 5; return }

# What the model says of a request: verdict, credits, and what is taken.
sub expect {
    my ($code, $cost) = @_;

    return ('pass', 0) if $tier{$code} ne '-' && $plan eq 'pro';
    return ('pass', 0, 'joined') if $views{$code};
    my @fit = grep { my $e = $_; grep { $e->{code} eq $_ } $code,
                     @{ $bundles{$code} } } values %ents;
    return ('pass', 0) if grep { $_->{views} < 0 } @fit;
    my ($best) = sort { $a->{ends} <=> $b->{ends} }
        grep { $_->{used} < $_->{views} } @fit;
    return ('pass', 0, $best->{id}) if $best;
    return 'content_locked', 0 unless $sold{$code};
    return $cost > $avail ? ('credits_exhausted', 0) : ('pass', $cost, '-');
}

sub request {
    my @list = map { { code => $codes[rand @codes], id => 'q' . ++$serial } }
        1 .. 1 + rand 4;
    my @answers = gate($t, $account, map {
        my $bundles = join '', map { ",$_" } @{ $bundles{ $_->{code} } };
        { key => $key, cost => 5, id => $_->{id}, feature => 'content',
          extras => "content=$sold{$_->{code}},600,$tier{$_->{code}},"
              . "$_->{code}$bundles" } } @list);

    for my $i (0 .. $#list) {
        my ($code, $id) = @{ $list[$i] }{qw(code id)};
        my ($verdict, $credits, $by) = expect($code, 5);
        my $got = "$answers[$i]{verdict} $answers[$i]{credits}";
        fail_at("$id $code: $got, not $verdict $credits")
            if $got ne "$verdict $credits";
        next unless $verdict eq 'pass' && $by;
        if ($by eq 'joined') {
            $views{$code}{shared} = 1;
            next;
        }
        $avail -= $credits;
        $views{$code} = { id => $id, shared => 0 };
        $ents{$by}{used}++ if $ents{$by};
        push @taken, { id => $id, code => $code, by => $by,
                       answer => $answers[$i] };
    }

    return;
}

sub give_back {
    my $taken = splice @taken, int rand @taken, 1 or return;
    my ($id, $code, $by, $answer) = @{$taken}{qw(id code by answer)};

    for (1 .. 1 + rand 2) {
        $t->script('refund', [$wallet, Tollgate::ledger_key($account),
                              'tg:{' . Tollgate::shard($account) . "}:r:$id"],
            [$account, $id, @{$answer}{qw(epoch key app)}, 'content', '-',
             @{$answer}{qw(credits units day_end month_end ticket)}]);
    }

    my $view = $views{$code};
    my $mine = $view && $view->{id} eq $id;
    return if $mine && $view->{shared};
    $avail += $answer->{credits};
    $ents{$by}{used}-- if $ents{$by} && $ents{$by}{used} > 0;
    delete $views{$code} if $mine;

    return;
}

# Another list of entitlements of a code: what was there stays or goes.
sub entitle {
    my $code = (@codes, 'x', 'y')[rand 6];
    delete $ents{$_} for grep { $ents{$_}{code} eq $code && rand() < 0.7 } keys %ents;
    if (rand() < 0.6) {
        my $id = 'e' . ++$serial;
        my $until = time + 100_000 + $serial;
        $ents{$id} = { id => $id, code => $code, used => 0, ends => $until,
                       views => rand() < 0.1 ? -1 : int rand 4 };
    }
    my @lines = map { "$_->{id} $_->{ends} $_->{views} life" }
        grep { $_->{code} eq $code } values %ents;
    $t->r(@lines ? ('HSET', $wallet, "e:$code", join "\n", @lines)
                 : ('HDEL', $wallet, "e:$code"));

    return;
}

sub end_view {
    my $code = $codes[rand @codes];
    delete $views{$code};
    return $t->r('DEL', "$view_prefix$code");
}

sub change_plan {
    return $t->r('HSET', $wallet, plan => $plan = $plan eq 'pro' ? 'payg' : 'pro');
}

my @acts = ((\&request) x 10, (\&give_back) x 4, (\&entitle) x 2,
            (\&end_view) x 3, \&change_plan);
$acts[rand @acts]->() for 1 .. $STEPS;

is $bad, 0, "$STEPS steps went as the model says";
is $t->r('HGET', $wallet, 'avail'), $avail, 'and so did the balance';
is join(' ', map { $t->r('HGET', $wallet, "n:$_") // '0 0' } sort keys %ents),
    join(' ', map { "0 $ents{$_}{used}" } sort keys %ents), 'each entitlement';
is join(' ', sort @{ $t->r('KEYS', "$view_prefix*") }),
    join(' ', sort map { "$view_prefix$_" } keys %views), 'and the open views';

my $sum = 3000;
$sum += $_->{d} for events($t, $account);
is $sum, $avail, 'the register tells all that was charged and given back';

done_testing;
