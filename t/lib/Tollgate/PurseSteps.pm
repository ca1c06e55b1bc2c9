package Tollgate::PurseSteps;

# Random calls of the scripts that move credits, each beside what the model makes
# of it: a step returns what was answered and what should have been.

use strict;
use warnings;

use List::Util qw(min sum0);
use Tollgate::Gate;
use Tollgate::Hold;
use Tollgate::Pockets;
use Tollgate::Purse;

our ($t, $m, $no) = (undef, undef, 1);
my $account = 'PocketMod1';
my ($key, $serial, %holds, %charged, %done) = (undef, 0);
my $whose = 'key_0000000001 app_0000000001';

# The account and the model of its wallet.
sub begin {
    ($t, my $start) = @_;

    $m = Tollgate::Purse->new($start);
    $t->at($start);
    $t->plan('payg');
    $t->apply($account, 1, 0, state => 'active');
    $key = $t->key($account, id => 'key_0000000001');

    return ($account, $m);
}

sub any { return $_[int rand @_] }

sub any_key { return any(sort keys %{ $_[0] }) // 'none' }

sub any_name {
    return any('-', '-', any(0, 50, 50, 90) . '/' . any(0, map { $m->{now} + $_ } -5, 5, 40, 300)
                    . '/' . any('*', '*', 'image.*', 'audio', 'audio+image.x'));
}

sub any_feature { return any('-', 'audio', 'image.x', 'image.y') }

sub real { return $_[0] =~ m{^50/0/\*\z} ? '-' : $_[0] }

sub item { my ($id, $feature, $credits, $list) = @_;
           return "$id $whose $feature - $credits 0" . Tollgate::Purse::where($list) }

sub command { return $t->apply($account, ++$no, @_) }

sub ask {
    my (@list, @want, @items, @held, $passed);
    my $probe = Tollgate::Purse->new($m->{now});
    @$probe{qw(has later held)} = ({ %{ $m->{has} } }, [@{ $m->{later} }], $m->{held});
    $probe->due;
    for (1 .. 1 + int rand 4) {
        my ($id, $feature, $cost, $holds) = ('r' . ++$serial, any_feature(), int rand 50, rand > 0.6);
        push @list, { key => $key, id => $id, cost => $cost, feature => $feature,
                      $holds ? (extras => 'hold=' . any(0, 50, 600_000)) : () };
        my $passes = $cost <= $probe->usable($feature);
        my $burnt = $passes ? $probe->burn($cost, $feature) : [];
        push @want, ($passes ? 'pass ' : 'credits_exhausted ') . $probe->usable($feature);
        $passed ||= $passes;
        next if !$passes || !$cost;
        if ($holds) {
            my ($ttl) = $list[-1]{extras} =~ /(\d+)/;
            push @held, $holds{$id} = { feature => $feature, amount => $cost, list => $burnt,
                                        ends => $m->{now} + $ttl, id => $id };
        } else {
            push @items, $charged{$id} = [$id, $feature, $cost, $burnt];
        }
    }
    my @got = gate($t, $account, @list);
    $charged{ $list[$_]{id} } and $charged{ $list[$_]{id} }[4] = $got[$_] for 0 .. $#list;
    if ($passed) {
        $m->due;
        take($m, $_->[3]) for @items;
        $m->say('charge', -sum0(map { $_->[2] } @items), join ';', map { item(@$_[0 .. 3]) } @items)
            if @items;
        take($m, $_->{list}), $m->{held} += $_->{amount} for @held;
        $m->say('hold', 0, join ';', map { item(@$_{qw(id feature amount)}, []) } @held) if @held;
    }

    return (join('|', map { "$_->{verdict} $_->{avail}" } @got), join '|', @want);
}

sub take { my ($purse, $list) = @_; $purse->{has}{ $_->[0] } -= $_->[1] for @$list; return }

sub grant {
    my @list = map { [any_name(), 1 + int rand 60] } 1 .. any(1, 1, 3);
    $_->[0] = real($_->[0]) for @list;
    my $all = Tollgate::Purse::joined(\@list);
    my $sum = sum0(map { $_->[1] } @$all);
    $m->due;
    $m->give($all);
    my $text = @list == 1 ? $list[0][0] : join ',', map { "$_->[0]=$_->[1]" } @list;
    my $got = command($sum, $text eq '-' ? () : (pockets => $text));
    $m->say('command', $sum, '', $no);
    $m->due;

    return ($got, 1);
}

sub other {
    my ($what, $name, $amount) = (any(qw(later lapse level take less)), real(any_name()), int rand 60);
    my $id = 'g' . ++$serial;
    $m->due;
    if ($what eq 'later') {
        my $at = $m->{now} + any(-3, 20, 90);
        push @{ $m->{later} }, [$at, $id, $amount + 1, $name];
        my $got = command(0, later => "$at $id " . ($amount + 1) . " $name");
        $m->due;
        return ($got, 1);
    }
    if ($what eq 'lapse') {
        my ($line) = rand > 0.5 ? @{ $m->{later} } : ();
        $id = $line->[1] if $line;
        ($name) = (grep({ rand > 0.5 } in_order(keys %{ $m->{has} })), $name);
        my $taken = $line ? 0 : min($amount, $m->{has}{$name} // 0);
        $m->{has}{$name} -= $taken if $taken;
        @{ $m->{later} } = grep { $_->[1] ne $id } @{ $m->{later} };
        my $got = command(0, lapse => "$id $amount $name");
        $m->say('lapse', 0 - $taken, "$id - - - - $taken 0" . Tollgate::Purse::where([[$name, $taken]]), $no);
        return ($got, 1);
    }
    if ($what eq 'level') {
        my $d = $amount * 3 - $m->avail;
        my $list = $d > 0 ? [['-', $d]] : $m->burn(-$d, '*');
        $m->give($list) if $d > 0;
        my $got = command(0, level => $amount * 3);
        $m->say('adjust', $d, '- - - - - ' . abs($d) . ' 0' . Tollgate::Purse::where($list), $no);
        return ($got, 1);
    }
    if ($what eq 'take') {
        my $feature = any_feature();
        my $list = $amount <= $m->usable($feature) ? $m->burn($amount, $feature) : [];
        my $sum = sum0(map { $_->[1] } @$list);
        my $got = command(0, take => "$id $amount" . ($feature eq '-' ? '' : " $feature"));
        $m->say('charge', 0 - $sum, "$id - - - - $sum 0" . Tollgate::Purse::where($list));
        return ($got, 1);
    }
    $amount = min($amount + 1, $m->{has}{'-'});
    $m->{has}{'-'} -= $amount;
    my $got = command(0 - $amount);
    $m->say('command', 0 - $amount, '', $no) if $amount;

    return ($got, 1);
}

sub back {
    my $id = any_key(\%charged);
    my ($again, $one) = ($done{$id}++, $charged{$id});
    return (1, 1) unless $one;
    if (!$again) {
        $m->due;
        $m->give($one->[3]);
        $m->say('refund', $one->[2], item(@$one[0 .. 2], $one->[3]));
        $m->due;
    }

    return ($t->refund($account, $id, $one->[4], feature => $one->[1]), $again ? 0 : 1);
}

# Ends a hold by its cost, or what comes late for one.
sub end_hold {
    my ($id, $kind, $cost, $late) = @_;

    my $hold = $late || delete $holds{$id};
    my ($held, $feature) = ($late ? 0 : $hold->{amount}, $hold->{feature});
    $m->due;
    my $taken = min($cost, $held + $m->usable($feature));
    my ($list, $rest) = Tollgate::Purse::parted($late ? [] : $hold->{list}, $taken);
    $m->give($rest);
    $list = Tollgate::Purse::joined($list, $m->burn($taken - $held, $feature)) if $taken > $held;
    $m->{held} -= $held;
    $m->say($kind, 0 - $taken, item($id, $feature, $kind =~ /^(?:release|expired)/ ? $held : $taken, $list));
    $m->say('waived', 0, item($id, $feature, $cost - $taken, [])) if $cost > $taken;
    $m->due;

    return;
}

my %expired;

sub settle {
    my ($late) = rand > 0.7;
    my $id = any_key($late ? \%expired : \%holds);
    my $cost = rand > 0.7 ? '-' : int rand 80;
    my $known = $late ? $cost ne '-' && delete $expired{$id} : $holds{$id};
    end_hold($id, $late ? 'late' : $cost eq '-' ? 'release' : 'commit', $cost eq '-' ? 0 : $cost,
             $late && $known) if $known;

    return (commit($t, $account, $id, $cost, 'if_available'), $known ? 1 : 0);
}

sub void {
    my $id = any_key(\%holds);
    return (1, 1) if !$holds{$id};
    end_hold($id, 'release', 0);

    return (void_hold($t, $account, $id), 1);
}

sub more {
    my ($id, $more) = (any_key(\%holds), int rand 40);
    my $hold = $holds{$id} or return (1, 1);
    $m->due;
    my $has = $more <= $m->usable($hold->{feature});
    $hold->{ends} = $m->{now} + 500 if $hold->{ends} < $m->{now} + 500;
    if ($has && $more) {
        $hold->{list} = Tollgate::Purse::joined($hold->{list}, $m->burn($more, $hold->{feature}));
        $hold->{amount} += $more;
        $m->{held} += $more;
        $m->say('hold', 0, item($id, $hold->{feature}, $more, []));
    }

    return (extend($t, $account, $id, 500, $more), $has ? 1 : 2);
}

sub time_goes {
    $m->{now} += any(1, 2, 5, 20, 60, -4);
    $t->at($m->{now});

    return (1, 1);
}

sub sweeps {
    my $due = $m->is_due ? 1 : 0;
    $m->due;

    return ($t->sweep($account), "$due $due");
}

sub holds_end {
    my @due = sort { $holds{$a}{ends} <=> $holds{$b}{ends} || "$account $a" cmp "$account $b" }
        grep { $holds{$_}{ends} <= $m->{now} } keys %holds;
    $expired{$_} = $holds{$_}, end_hold($_, 'expired', 0) for @due;

    return (expire($t, $account), @due . ' ' . @due);
}

my @steps = ((\&ask) x 5, (\&grant) x 2, \&other, \&other, \&back, \&back, \&settle, \&settle,
             \&void, \&more, (\&time_goes) x 2, \&sweeps, \&holds_end);

sub step { return $steps[rand @steps]->() }

1;
