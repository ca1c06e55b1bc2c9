# Under random limits and requests verdicts, counters, the balance and what is
# told of thresholds are those of a model: nothing is overshot, a refusal takes
# nothing, and what is given back can be used again.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use List::Util qw(max);
use Test::More;
use Tollgate;
use Tollgate::Gate;
use Tollgate::Limits;

my $t = Tollgate->new;
$t->redis;

my ($serial, @mismatches, %seen) = (0);

sub expect { push @mismatches, "$_[2]: $_[0] for $_[1]" if $_[0] ne $_[1] }

# The account as the model has it.
sub compare {
    my ($w, $step) = @_;
    my %fields = @{ $t->r('HGETALL', $w->{wallet}) };
    expect($fields{avail}, $w->{avail}, "step $step: avail");
    for my $c (grep { /^u:/ && $fields{$_} =~ / / } keys %fields) {
        expect((split ' ', $fields{$c})[1], $w->{used}{$c} // 'none', "step $step: $c");
    }
    my @told = map { $_->{i} =~ s/^(\w+) \S+ \S+/$1/r }
        grep { $_->{k} eq 'threshold' } events($t, $w->{account});
    expect("@told", join(' ', @{ delete $w->{notices} // [] }), "step $step: notices");
    $t->r('DEL', Tollgate::ledger_key($w->{account}));

    return;
}

for my $n (100 .. 124) {
    my ($w, @passed) = world($t, $n);
    for my $step (1 .. 50) {
        my @list = map { my $key = pick(@{ $w->{keys} });
            +{ id => 'r' . ++$serial, key => $key->{text}, owner => $key, feature => pick('-', 'video.make', 'video.see'),
               cost => random(60), units => random(5), dry_run => !random(9) } } 0 .. random(3);
        my @answers = gate($t, $w->{account}, @list);
        for my $i (0 .. $#list) {
            my $verdict = model($w, $list[$i]);
            $seen{$verdict}++;
            expect($answers[$i]{verdict}, $verdict, "request $list[$i]{id}");
            push @passed, [$list[$i], $answers[$i]] if $verdict eq 'pass' && !$list[$i]{dry_run};
        }
        if (@passed && !random(3)) {
            my ($request, $got) = @{ splice @passed, random(scalar @passed), 1 };
            $t->script('refund', [$w->{wallet}, Tollgate::ledger_key($w->{account}), "$w->{wallet}:$request->{id}"],
                [$w->{account}, $request->{id}, 1, @$got{qw(key app)}, '-', '-', @$got{qw(credits units day_end month_end ticket)}]);
            $w->{avail} += $request->{credits};
            $w->{used}{ $_->[0] } = max(0, $w->{used}{ $_->[0] } - $_->[1]) for @{ $request->{taken} };
        }
        compare($w, "$n.$step");
        last if @mismatches;
    }
    last if @mismatches;
}
is "@mismatches", '', 'random requests under random limits go as the model says';
cmp_ok $seen{$_} // 0, '>', 20, "$_ was among them" for qw(pass rate_limited quota_exceeded cap_reached);

done_testing;
