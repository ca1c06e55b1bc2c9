# Random requests of many accounts in one call come to what they come to where
# each account is asked by itself: same answers, wallets and events.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Tollgate;
use Tollgate::Gate;

my $t = Tollgate->new;
$t->redis;
srand(my $seed = $ENV{SEED} // time);

# Rates of an hour: no slot comes back while the test runs.
my %rates = (key_rate => 3_600_000_000, key_burst => 9, app_rate => 3_600_000_000,
             app_burst => 12);
$t->plan('payg');
$t->plan('sub', mode => 'subscription', day => 30, month => 80, tier => 1);
$t->plan('mixed', mode => 'hybrid', day => 12, month => 60, %rates);
$t->plan('capped', tier => 2, limits => "L1 spend credits 300 life - account * refuse 50,90\n"
    . "L2 calls requests 20 life - key video.* refuse -\n"
    . "L3 jobs running 2 60000 - account text refuse -\n");

# Each account of a call has a twin that is asked alone.
my %twin = map { (sprintf('Twin%05dA', $_), sprintf('Twin%05dB', $_)) } 1 .. 24;
my (%keys, $n);
for my $account (sort keys %twin) {
    my $plan = (qw(payg payg sub mixed capped))[$n++ % 5];
    my $avail = $plan eq 'capped' ? 2000 : 100 + int rand 500;
    my %more = ($n % 4 ? () : (low => '50,20', full => $avail, warned => 0),
                $n % 7 ? () : (zone => '3600'),
                $n % 8 ? () : (state => 'suspended'),
                $n % 3 ? () : (pocket => "0 40 10/0/video.make 40 40"));
    $avail += 40;
    for my $one ($account, $twin{$account}) {
        $t->wallet($one, avail => $avail, plan => $plan, %more);
    }
    $keys{$account} = [map { [$t->key($account, @$_), $t->key($twin{$account}, @$_)] }
                       [], [], [state => 'paused'], [expires_ms => 1]];
}

sub pick { return $_[rand @_] }

# No day begins meanwhile, in no zone.
$t->wait_for(sub { time % 3600 < 3565 }, 'the next hour');

my $serial = 0;

# A request of an account and of its twin.
sub request {
    my ($account) = @_;

    my $pair = pick(@{ $keys{$account} }, $keys{$account}[0], $keys{$account}[0]);
    my %request = (id => sprintf('%032x', ++$serial), cost => int rand 40,
        units => int rand 4, tier => pick(0, 0, 0, 1, 2), model => pick('-', 'm:one'),
        feature => pick('-', 'video.make', 'text'), dry_run => rand() < .1);
    @request{qw(look cost units)} = (1, 0, 0) if rand() < .1;
    $request{extras} = pick('-', '-', '-', 'hold=60000',
        'idem=60000:' . int(rand 5) . ':aa:60:1');
    $request{cost} = 'x' if rand() < .02;

    return map { +{ %request, key => $_ } } @$pair;
}

# Of what is named by account, key or time only the rest.
sub plain {
    my ($text) = @_;

    return $text =~ s/key_\w+/key/gr =~ s/Twin(\d+)[AB]/Twin$1/gr
        =~ s/k:[0-9a-f]{64}/k:hash/gr;
}

sub answer_text {
    my ($answer) = @_;

    return $answer unless ref $answer;
    my %rest = %$answer;
    delete @rest{qw(now key_full_ms app_full_ms)};
    $rest{retry_ms} = $rest{retry_ms} ? 'some' : 0 unless $rest{verdict} eq 'pass';

    return plain(join ' ', map { "$_=$rest{$_}" } sort keys %rest);
}

sub account_text {
    my ($account) = @_;

    my %wallet = @{ $t->r('HGETALL', Tollgate::wallet_key($account)) };
    delete @wallet{ grep { /^[tu]:/ && $wallet{$_} !~ / / } keys %wallet };
    s/^(\d+) \d{13} /$1 ms / for @wallet{ grep { /^h:/ } keys %wallet };
    my @events = map { join ' ', @{$_}{qw(e s k d v h n i)} } events($t, $account);

    return join "\n", (sort map { plain("$_ $wallet{$_}") } keys %wallet),
        map { plain($_) } @events;
}

my (@wrong, %seen);
for my $round (1 .. 60) {
    my (@call, @alone);
    for my $account (sort { rand() <=> .5 } grep { rand() < .6 } keys %twin) {
        my @pairs = map { [request($account)] } 0 .. rand 4;
        push @call, [$account, map { $_->[0] } @pairs];
        push @alone, [$twin{$account}, map { $_->[1] } @pairs];
    }
    my @all = gate_all($t, @call);
    for my $i (0 .. $#call) {
        my ($alone) = gate_all($t, $alone[$i]);
        my ($got, $want) = map { join "\n", ref $_ ? map { answer_text($_) } @$_ : $_ }
            $all[$i], $alone;
        push @wrong, "round $round, $call[$i][0]:\n$got\nnot\n$want" if $got ne $want;
        $seen{ $_->{verdict} }++ for ref $all[$i] ? @{ $all[$i] } : ();
    }
    last if @wrong;
}
is "@wrong", '', "answers are those of an account by itself (SEED=$seed)";
is account_text($_), account_text($twin{$_}), "$_ is what its twin is" for sort keys %twin;
cmp_ok $seen{$_} // 0, '>', 0, "$_ was among the verdicts"
    for qw(pass credits_exhausted quota_exceeded rate_limited cap_reached concurrency_limited
           tier_required key_paused key_expired account_suspended cost_invalid
           idempotency_in_progress);

done_testing;
