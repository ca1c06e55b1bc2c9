# Random grants, requests, holds, refunds and commands of every kind, with a clock
# that goes and steps back: pockets and register are those of a model.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Tollgate::Pockets;
use Tollgate::PurseSteps;

my $t = Tollgate::Pockets->new;
$t->redis;
srand(my $seed = $ENV{SEED} // time);
my ($account, $m) = Tollgate::PurseSteps::begin($t, 1_800_000_000_000);

my ($seq, @wrong, %kinds) = (0);
for my $n (1 .. 800) {
    $m->{want} = [];
    my ($got, $want) = Tollgate::PurseSteps::step();
    my @new = events_since($t, $account, $seq);
    $seq += @new;
    $kinds{ (split ' ')[0] }++ for @new;
    $t->r('XTRIM', Tollgate::ledger_key($account), 'MAXLEN', 50);
    my $wallet = join ' ', @{ $t->r('HMGET', Tollgate::wallet_key($account), qw(avail held seq cmd)) };
    push @wrong, map { "step $n: " . join "\n  not ", @$_ } grep { $_->[0] ne $_->[1] }
        [$got, $want], [join("\n", @new), join "\n", @{ $m->{want} }],
        [pockets($t, $account), $m->text],
        [$wallet, join ' ', $m->avail, $m->{held}, $seq, $Tollgate::PurseSteps::no];
    last if @wrong;
}
is "@wrong", '', "800 steps went as they should (SEED=$seed)";
is join(' ', sort keys %kinds), 'adjust charge command commit expired hold lapse late refund '
    . 'release start waived', 'and every kind of event came up';
cmp_ok $kinds{lapse} + $kinds{start}, '>', 30, 'often';

done_testing;
