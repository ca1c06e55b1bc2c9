# Under a random sequence of all scripts the register adds up, and wallet and
# answers are those of a model.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Tollgate;
use Tollgate::Gate;

my $t = Tollgate->new;
$t->redis;

my $account = 'Model00001';
my $wallet = Tollgate::wallet_key($account);
my $ledger = Tollgate::ledger_key($account);
my %limits = (payg => [-1, -1], hybrid => [40, 300], subscription => [50, 400]);
$t->plan($_, mode => $_, day => $limits{$_}[0], month => $limits{$_}[1])
    for keys %limits;

# Its own generator: the same sequence with every Perl.
my $seed = 20_261_121;

sub random {
    $seed = ($seed * 1_103_515_245 + 12_345) % 2_147_483_648;

    return int($seed / 65_536) % $_[0];
}

my %model = (plan => 'payg', state => 'active',
             map { ($_, 0) } qw(avail seq cmd day_used month_used));
my ($requests, %done, @charged, @mismatches) = (0);

sub expect {
    my ($got, $expected, $what) = @_;

    push @mismatches, "$what: $got for $expected" if $got ne $expected;
}

sub model_charge {
    my ($cost, $units) = @_;

    return ('account_suspended', 0, 0) if $model{state} ne 'active';
    my ($day, $month) = @{ $limits{ $model{plan} } };

    if ($model{plan} eq 'hybrid' ? $units || !$cost : $model{plan} ne 'payg') {
        return ('pass', 0, $units)
            if !$units || $model{day_used} + $units <= $day
                && $model{month_used} + $units <= $month;
        return ('quota_exceeded', 0, 0) if $model{plan} eq 'subscription';
    }

    return $cost > $model{avail} ? ('credits_exhausted', 0, 0)
        : ('pass', $cost, 0);
}

my $key;
my %operation = (
    gate => sub {
        my @list = map { +{ key => $key, id => 'r' . ++$requests,
            cost => random(90), units => random(6),
            dry_run => !random(8) } } 0 .. random(5);
        my ($passed, @expected) = (0);
        my @answers = gate($t, $account, @list);
        for my $i (0 .. $#list) {
            my ($verdict, $credits, $units) =
                model_charge(@{ $list[$i] }{qw(cost units)});
            my $got = $answers[$i];
            expect("@{$got}{qw(verdict credits units avail)}",
                "$verdict $credits $units " . ($model{avail} - $credits),
                "request $list[$i]{id}");
            next if $verdict ne 'pass' || $list[$i]{dry_run};
            $model{avail} -= $credits;
            $model{$_} += $units for qw(day_used month_used);
            next unless $credits || $units;
            push @charged, [$list[$i]{id}, $got];
            $passed = 1;
        }
        $model{seq} += $passed;
    },
    refund => sub {
        return unless @charged;
        my ($id, $answer) = @{ $charged[random(scalar @charged)] };
        my $epoch = random(5) ? 1 : 2;
        my $expected = $epoch == 2 ? -1 : $done{$id} ? 0 : 1;
        expect($t->script('refund', [$wallet, $ledger, "$ledger:$id"],
            [$account, $id, $epoch, @{$answer}{qw(key app)}, '-', '-',
             @{$answer}{qw(credits units day_end month_end)}, '-']),
            $expected, "refund of $id");
        return if $expected != 1;
        $done{$id} = 1;
        $model{seq}++;
        $model{avail} += $answer->{credits};
        $model{$_} -= $answer->{units} for qw(day_used month_used);
    },
    void => sub {
        $t->script('void', [$wallet, $ledger], [$account, 'lost']);
        $model{seq}++;
    },
    apply => sub {
        my $number = $model{cmd} + (1, 1, 1, 0, 2)[random(5)];
        my $delta = (1, -1)[random(2)] * random(300) + 100;
        my $plan = (sort keys %limits)[random(3)];
        my $state = random(6) ? 'active' : 'suspended';
        my $expected = $number <= $model{cmd} ? 0
            : $number > $model{cmd} + 1 ? -1
            : $model{avail} + $delta < 0 ? -2 : 1;
        expect($t->script('apply', [$wallet, $ledger], [$account, $number,
            $delta, 2, 'plan', $plan, 'state', $state, 0]), $expected,
            "command $number of $delta");
        return if $expected != 1;
        $model{seq}++ if $delta;
        $model{avail} += $delta;
        @model{qw(cmd plan state)} = ($number, $plan, $state);
    },
);

$operation{apply}->() until $model{cmd};
$key = $t->key($account);
my @mix = (('gate') x 6, 'refund', 'refund', 'void', 'apply', 'apply');
for my $step (1 .. 3000) {
    $operation{ $mix[random(scalar @mix)] }->();
    my $left = $t->r('HMGET', $wallet, qw(avail seq cmd plan state held));
    expect("@$left", join(' ', @model{qw(avail seq cmd plan state)}, 0),
           "wallet after step $step");
    last if @mismatches;
}
is "@mismatches", '', '3000 random operations go as the model says';
cmp_ok scalar @charged, '>', 1000, 'more than a thousand requests were charged';
cmp_ok scalar keys %done, '>', 100, 'more than a hundred were refunded';

my ($seq, $balance, $chain, $sums) = (0, 0, 'whole', 'right');
for my $event (events($t, $account)) {
    $chain = "broken at $event->{s}"
        if $event->{s} != ++$seq || $event->{v} + $event->{h}
            != ($balance += $event->{d});
    next if $event->{k} eq 'command';
    my $items = 0;
    $items += (split ' ')[5] for split /;/, $event->{i};
    $sums = "wrong at $seq" if $items != abs $event->{d};
}
is $chain, 'whole', 'seq has no gap and every balance is the one before plus d';
is $sums, 'right', 'items of each event add up to its delta';
is "$seq $balance", "$model{seq} $model{avail}",
    'the last event is the state of the wallet';

done_testing;
