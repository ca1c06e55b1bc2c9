#!/usr/bin/perl
# Limits of requests that run at once: a slot is leased, kept up, let go once,
# and free again where nobody keeps it up.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Tollgate;
use Tollgate::Gate;

my $t = Tollgate->new;
$t->redis;
my ($account, $wallet, @keys, @ids);
my ($n, $serial) = (0, 0);

# A new account with two keys of one app and these fields of its wallet.
sub account {
    my (%fields) = @_;

    $account = sprintf 'Running%03d', ++$n;
    $wallet = Tollgate::wallet_key($account);
    @ids = map { sprintf 'key_%d%09d', $_, $n } 1, 2;
    $t->wallet($account, avail => 1_000_000,
               map { (s/KEY(\d)/$ids[$1 - 1]/r, $fields{$_}) } keys %fields);
    @keys = map { $t->key($account, id => $_) } @ids;

    return;
}

sub slots { return 'tg:{' . Tollgate::shard($account) . "}:c:$account:$_[0]" }

sub taken { return join ' ', sort @{ $t->r('ZRANGE', slots($_[0]), 0, -1) } }

sub now_ms { my $now = $t->r('TIME'); return $now->[0] * 1000 + $now->[1] / 1000 }

# Requests, each { which key, more }; their answers with their ids.
sub ask {
    my @ids = map { sprintf '%032d', ++$serial } @_;
    my @answers = gate($t, $account, map {
        { key => $keys[ $_[$_]{who} // 0 ], id => $ids[$_], %{ $_[$_] } }
    } 0 .. $#_);
    $answers[$_]{id} = $ids[$_] for 0 .. $#_;

    return wantarray ? @answers : $answers[0];
}

sub release {
    my ($answer, $outcome) = @_;
    return $t->script('release', [$wallet], [$account, $answer->{id}, $outcome, $answer->{ticket}]);
}

sub give_back {
    my ($answer) = @_;

    return $t->script('refund', [$wallet, Tollgate::ledger_key($account),
        'tg:{' . Tollgate::shard($account) . "}:r:$answer->{id}"],
        [$account, $answer->{id}, 1, @$answer{qw(key app)}, '-', '-',
         @$answer{qw(credits units day_end month_end ticket)}]);
}

# One limit.
account(l => '1 two running 2 60000 - account * refuse -');
my ($first, $second, $third) = ask({}, {}, {});
is verdicts($first, $second, $third), 'pass pass concurrency_limited', 'as many as fit may run';
is "$third->{limit} $third->{retry_ms}", 'two 1000', 'the next is told why, and when to try again';
is $first->{limits}, "two running 2 1 0 60000 refuse\n", 'each is told how many are left';
is $first->{ticket}, 'ec:60000:1', 'and what ends with it';
is taken('1'), "$first->{id} $second->{id}", 'those have a slot each';
ok $t->r('PTTL', slots('1')) <= 120_000, 'which do not live for ever';
my $before = snapshot($t, $account) . taken('1');
is verdicts(ask({}, { dry_run => 1 }, { look => 1 })),
    'concurrency_limited concurrency_limited pass', 'a dry run is told the same, a look passes';
is snapshot($t, $account) . taken('1'), $before, 'and neither takes one';
is release($first, 'done'), 1, 'one ends';
release($first, 'done');
is taken('1'), $second->{id}, 'and has let go of its slot, once';
is ask({ look => 1 })->{limits}, "two running 2 1 0 60000 refuse\n", 'a look sees it';
is ask({ cost => 2_000_000 })->{verdict}, 'credits_exhausted', 'who is refused for another reason';
is taken('1'), $second->{id}, 'takes none';

# Leases.
$t->r('ZADD', slots('1'), now_ms() - 1, $second->{id});
($first, $third) = (ask({}), ask({}));
is verdicts($first, $third), 'pass pass', 'a slot is free when its lease is over';
is taken('1'), "$first->{id} $third->{id}", 'and forgotten';
release($second, 'run');
is ask({})->{verdict}, 'concurrency_limited', 'one that runs all the same has its slot again';
is scalar(split ' ', taken('1')), 3, 'above the limit, for it does run';
my $until = $t->r('ZSCORE', slots('1'), $first->{id});
$t->wait_for(sub { now_ms() > $until - 59_995 }, 'some ms');
release($first, 'run');
cmp_ok $t->r('ZSCORE', slots('1'), $first->{id}), '>', $until, 'a lease is kept up';
release($_, 'done') for $first, $second, $third;
is taken('1'), '', 'in the end none is left';
$t->r('ZADD', slots('1'), now_ms() + 3_600_000, $_) for 'a', 'b';
is ask({})->{verdict}, 'pass', 'a clock that stepped back leaves none that last';

# What is none, what is many, and what else counts.
account(l => '1 none running 0 60000 - account * refuse -');
is join(' ', @{ ask({}) }{qw(verdict retry_ms)}), 'concurrency_limited 0', 'none at all is for ever';
account(l => '1 soft running 1 60000 - account * warn -');
is verdicts(ask({}, {})), 'pass pass', 'a soft limit refuses nobody';
account(l => '1 one running 1 minute - account * refuse -');
is ask({})->{verdict}, 'store_unreachable', 'a lease that is none is not kept';
account(l => join "\n", map { "L$_ many running 9 60000 - key * refuse -" } 1 .. 90);
ok length(ask({})->{ticket}) < 1800, 'a ticket does not overflow';
account(l => "1 one running 1 60000 - account * refuse -\n2 r rate 1 60000000 - account * refuse -");
$first = ask({});
is ask({})->{verdict}, 'concurrency_limited', 'it is decided ahead of rates';
release($first, 'done');
is ask({})->{verdict}, 'rate_limited', 'which a refusal did not count for';
is taken('1'), '', 'nor they for it';

# A model: an account's limit, one a key and one of a feature, requests that come
# in calls of some, end well or not, or are lost with their nginx.
account(l => "A all running 5 60000 - account * refuse -\nK key running 3 60000 - key * refuse -",
        'l:KEY1' => 'F some running 2 60000 - key video.* refuse -');
srand 4;
my (%live, %told);
my %max = (A => 5, "K:$ids[0]" => 3, "K:$ids[1]" => 3, "F:$ids[0]" => 2);
for my $step (1 .. 600) {
    my @want = map { { who => int rand 2, feature => ('-', 'video.a')[rand 2] } } 0 .. rand 3;
    my @got = ask(@want);
    for my $i (0 .. $#want) {
        my ($who, $feature) = @{ $want[$i] }{qw(who feature)};
        my @counters = ('A', "K:$ids[$who]", !$who && $feature ne '-' ? "F:$ids[0]" : ());
        my $full = grep { $max{$_} <= keys %{ $live{$_} } } @counters;
        $told{ $got[$i]{verdict} . ($full ? ' full' : '') }++;
        next if $got[$i]{verdict} ne 'pass';
        $live{$_}{ $got[$i]{id} } = $got[$i] for @counters;
    }
    for my $answer (grep { rand 3 < 1 } values %{ $live{A} }) {
        my $end = int rand 4;
        $end < 2 ? release($answer, 'done') : $end == 2 ? give_back($answer)
            : map { $t->r('ZADD', slots($_), 'XX', now_ms() - 1, $answer->{id}) } keys %max;
        delete $live{$_}{ $answer->{id} } for keys %max;
    }
}
is join(', ', sort keys %told), 'concurrency_limited full, pass',
    'of 600 calls each is refused where a limit is full, and no other';
cmp_ok $told{'concurrency_limited full'}, '>', 100, 'which was so often';
is join(' ', map { my $name = $_; scalar grep { !$live{$name}{$_} }
    @{ $t->r('ZRANGEBYSCORE', slots($name), now_ms(), '+inf') } } sort keys %max), '0 0 0 0',
    'no slot is left that nobody has';

done_testing;
