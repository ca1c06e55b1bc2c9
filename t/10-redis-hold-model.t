# Random holds, commits, releases, extensions and expiries against a model: the
# wallet, the register and the records of holds always agree.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use List::Util qw(max min sum0);
use Test::More;
use Tollgate;
use Tollgate::Gate;
use Tollgate::Hold;

my $t = Tollgate->new;
$t->redis;
srand(my $seed = $ENV{SEED} // time);

my $account = 'HoldModel1';
my $wallet = Tollgate::wallet_key($account);
$t->wallet($account, avail => 500, overdraft => 60);
my $key = $t->key($account);

# What it should come to; holds and markers by request id.
my %m = (avail => 500, held => 0, owed => 0, paid => 0);
my (%holds, %expired);
my ($serial, $no, $total) = (0, 0, 500);

sub any { return (sort keys %{ $_[0] })[rand keys %{ $_[0] }] // 'none' }

sub end {
    my ($id, $take) = @_;

    my $hold = delete $holds{$id};
    $m{held} -= $hold->[0];
    $m{avail} += $hold->[0] - $take;
    $total -= $take;

    return;
}

sub ask {
    my (@list, @want);
    my ($avail, $owing) = ($m{avail}, $m{owed} && $m{owed} >= 60);
    for (1 .. 1 + int rand 4) {
        my ($id, $cost, $held) = ('r' . ++$serial, int rand 40, rand > 0.3);
        my $ttl = rand > 0.4 ? 600_000 : 0;
        push @list, { key => $key, id => $id, cost => $cost,
                      $held ? (extras => "hold=$ttl") : () };
        my $passes = !$cost || !$owing && $cost <= $avail;
        push @want, $passes ? 'pass' : 'credits_exhausted';
        next if !$passes || !$cost;
        $avail -= $cost;
        $holds{$id} = [$cost, $ttl == 0], $m{held} += $cost if $held;
        $total -= $cost if !$held;
    }
    $m{avail} = $avail;

    return (verdicts(gate($t, $account, @list)), "@want");
}

sub settle {
    my ($id, $again) = (rand > 0.2 ? any(\%holds) : any(\%expired), rand > 0.5);
    my $overage = (qw(reject_next if_available overdraft))[rand 3];
    my $actual = int rand 70;
    my $late = $expired{$id};
    my $want = $holds{$id} || $late ? 1 : 0;
    if ($want) {
        my $has = $m{avail} + ($late ? 0 : $holds{$id}[0]);
        my $take = min($actual, $has);
        my $short = $actual - $take;
        $m{owed} += $late || $overage eq 'if_available' ? 0
            : $overage eq 'reject_next' ? $short
            : min($short, max(60 - $m{owed}, 0));
        $late ? ($m{avail} -= $take, $total -= $take) : end($id, $take);
        delete $expired{$id};
    }

    return (commit($t, $account, $id, $actual, $overage)
            . ($again ? commit($t, $account, $id, $actual, $overage) : ''),
            $want . ($again ? 0 : ''));
}

sub release {
    my $id = rand > 0.1 ? any(\%holds) : any(\%expired);
    my $want = $holds{$id} ? (end($id, 0), 1)[-1] : 0;

    return rand > 0.7 ? (void_hold($t, $account, $id), 1) : (commit($t, $account, $id, '-'), $want);
}

sub more {
    my ($id, $more) = (any(\%holds), int rand 60);
    my $hold = $holds{$id};
    my $has = $more <= $m{avail};
    $hold->[0] += $more, $m{held} += $more, $m{avail} -= $more if $hold && $has;
    $hold->[1] = 0 if $hold;

    return (extend($t, $account, $id, 600_000, $more),
            $hold ? $has ? 1 : 2 : 0);
}

sub time_goes {
    my @due = grep { $holds{$_}[1] } keys %holds;
    end($_, 0), $expired{$_} = 1 for @due;

    return (expire($t, $account), @due . ' ' . @due);
}

sub top_up {
    my ($amount, $pay) = (int rand 200, $m{owed});
    my @answers = map { $t->script('apply',
        [$wallet, Tollgate::ledger_key($account)], [$account, ++$no, @$_])
    } [$amount, 0, 0], [0, 2, 'take', "t$no $pay", 'owed', $pay, 0];
    $m{avail} += $amount;
    $total += $amount;
    if ($pay <= $m{avail}) {
        $m{avail} -= $pay;
        $total -= $pay;
        $m{owed} = 0;
    }

    return ("@answers", '1 1');
}

my @steps = ((\&ask) x 6, (\&settle) x 4, \&release, \&more, \&time_goes,
             \&top_up);
my @wrong;
for my $n (1 .. 3000) {
    my ($got, $want) = $steps[rand @steps]->();
    push @wrong, "step $n answered \"$got\", not \"$want\"" if $got ne $want;

    my %w = @{ $t->r('HGETALL', $wallet) };
    my %has = map { (substr($_, 2), $w{$_} =~ /^(\d+)/) } grep { /^h:/ } keys %w;
    push @wrong, "step $n: $_ is " . ($w{$_} // 0) . ", not $m{$_}"
        for grep { ($w{$_} // 0) != $m{$_} } qw(avail held owed);
    push @wrong, "step $n: the records are not what is held"
        if sum0(values %has) != $w{held} || $w{avail} + $w{held} != $total
           || join(' ', sort keys %has) ne join ' ', sort keys %holds;
    last if @wrong;
}
is "@wrong", '', "3000 steps went as they should (SEED=$seed)";

my ($seq, %seen) = register($t, $account, 500);
is $seq, $t->r('HGET', $wallet, 'seq'), 'the register adds up';
is join(' ', sort keys %seen), 'charge command commit expired hold late owed '
    . 'release void waived', 'and every kind of event came up';
is $t->r('ZCARD', holds_key($account)), scalar keys %holds,
    'every hold has its place in the set';

done_testing;
