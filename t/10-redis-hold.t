# What a request costs is held, and the hold ends once: committed, released, or
# expired.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Tollgate;
use Tollgate::Gate;
use Tollgate::Hold;

my $t = Tollgate->new;
$t->redis;

my $account = 'Hold000001';
my $wallet = Tollgate::wallet_key($account);
$t->wallet($account, avail => 100);
my $key = $t->key($account);

sub fields { return wallet_fields($t, $account, @_) }

sub last_event {
    my $event = (events($t, $account))[-1];
    delete $event->{t};

    return $event;
}

# A hold.
my $answer = hold($t, $account, $key, 'h1', 30, feature => 'chat',
                  ttl_ms => 60_000);
is "$answer->{verdict} $answer->{credits} $answer->{avail}", 'pass 30 70',
    'a price is held';
is fields(qw(avail held seq)), '70 30 1', 'it goes from avail to held';
is_deeply last_event(), { a => $account, e => 1, s => 1, k => 'hold', d => 0,
    v => 70, h => 30, n => 0,
    i => "h1 $answer->{key} $answer->{app} chat - 30 0" },
    'the register has a hold';
my ($now_s) = @{ $t->r('TIME') };
my ($ends_ms) = record($t, $account, 'h1')
    =~ /^30 (\d+) $answer->{key} $answer->{app} chat - -\z/;
cmp_ok abs($ends_ms / 1000 - $now_s - 60), '<=', 5, 'it has a record';
is join(' ', @{ $t->r('ZRANGE', holds_key($account), 0, -1, 'WITHSCORES') }),
    "$account h1 $ends_ms", 'and a place among those that end';

# What is no hold.
my $before = snapshot($t, $account);
is hold($t, $account, $key, 'h2', 71)->{verdict}, 'credits_exhausted',
    'what avail has not is not held';
hold($t, $account, $key, 'h2', 7, dry_run => 1);
hold($t, $account, $key, 'h2', 0, look => 1);
hold($t, $account, $key, 'h2', 0);
is snapshot($t, $account), $before,
    'a refusal, a dry run, a look and a price of 0 hold nothing';
ok !eval { hold($t, $account, $key, 'h1', 5); 1 },
    'a request is not held twice';
is snapshot($t, $account), $before, 'whatever happens';

# Charges and holds of one call.
my @answers = gate($t, $account,
    { key => $key, id => 'c1', cost => 5 },
    { key => $key, id => 'h2', cost => 7, extras => 'hold=60000' },
    { key => $key, id => 'c2', cost => 1 },
    { key => $key, id => 'h3', cost => 2, extras => 'hold=60000' },
    { key => $key, id => 'h4', cost => 56, extras => 'hold=60000' });
is verdicts(@answers), 'pass pass pass pass credits_exhausted',
    'a call may have both';
is join(' ', map { $_->{avail} } @answers), '65 58 57 55 55',
    'each is told what is left after it';
is join(' ', map { "$_->{k}:$_->{d}:$_->{v}:$_->{h}" }
        (events($t, $account))[1, 2]),
    'charge:-6:64:30 hold:0:55:39', 'charges come first, then holds';
is fields(qw(avail held seq)), '55 39 3', 'and the wallet follows';

# Commits.
is commit($t, $account, 'h1', 12), 1, 'a hold is committed at what it cost';
is fields(qw(avail held seq owed)), '73 9 4 -', 'the rest returns';
is_deeply last_event(), { a => $account, e => 1, s => 4, k => 'commit',
    d => -12, v => 73, h => 9, n => 0,
    i => "h1 $answer->{key} $answer->{app} chat - 12 0" },
    'and the register tells';
$before = snapshot($t, $account);
is commit($t, $account, 'h1', 12), 0, 'a second time is told';
is commit($t, $account, 'h1', '-'), 0, 'so is a release after it';
is commit($t, $account, 'none', 3), 0, 'and a request that has no hold';
is commit($t, $account, 'h2', 3, undef, 2), -1, 'another epoch is another';
is void_hold($t, 'Hold000002', 'h2'), 0, 'nor is there one without a wallet';
is snapshot($t, $account), $before, 'nothing of that leaves a trace';
for my $bad ([-1], ['1.5'], ['x'], [1, 'never'], ['9007199254740992']) {
    ok !eval { commit($t, $account, 'h2', @$bad); 1 },
        "an actual of @$bad is an error";
}
is snapshot($t, $account), $before, 'and writes nothing';
is commit($t, $account, 'h2', 0), 1, 'it may have cost nothing';
is last_event()->{k} . ' ' . last_event()->{d}, 'commit 0', 'and is over';

# Releases.
is commit($t, $account, 'h3', '-'), 1, 'a hold is released';
is fields(qw(avail held)), '82 0', 'and all of it returns';
like last_event()->{i}, qr/^h3 .* 2 0\z/, 'which the register tells';
is last_event()->{k}, 'release', 'by a kind of its own';
hold($t, $account, $key, 'h5', 10);
is void_hold($t, $account, 'h5'), 1, 'an answer that was lost releases it';
is last_event()->{k}, 'release', 'which says all that there is to say';
is fields(qw(avail held)), '82 0', 'and it is back';
is $t->r('EXISTS', holds_key($account)), 0, 'no hold is left in the set';
is void_hold($t, $account, 'h5'), 1, 'a second time there is no hold';
is last_event()->{k}, 'void', 'and the ledger is asked';

# Extension.
hold($t, $account, $key, 'e1', 10, ttl_ms => 0);
is extend($t, $account, 'e1', 60_000), 1, 'a hold is made to last';
is expire($t, $account), '0 0', 'and does not run out';
is extend($t, $account, 'e1', 1, 20), 1, 'it is made larger';
is fields(qw(avail held)), '52 30', 'by so much';
is last_event()->{k}, 'hold', 'which is one more event';
is expire($t, $account), '0 0', 'it never gets shorter';
$before = fields(qw(avail held seq));
is extend($t, $account, 'e1', 90_000, 53), 2, 'more than there is is refused';
is fields(qw(avail held seq)), $before, 'and not held';
is commit($t, $account, 'e1', 30), 1, 'all of it is there to be charged';
is fields(qw(avail held)), '52 0', 'at its end';
is extend($t, $account, 'e1', 90_000), 0, 'a hold that is over stays so';
is extend($t, $account, 'e1', 90_000, 0, 2), -1, 'as does another epoch';

# Limits of credits count what is held, then what it cost.
$t->r('HSET', $wallet, l => '1 cap credits 40 life - app * refuse -');
sub counter { return (split ' ', fields("u:1:$answer->{app}"))[1] }
hold($t, $account, $key, 'l1', 30);
is counter(), 30, 'a limit counts what is held';
is hold($t, $account, $key, 'l2', 11)->{verdict}, 'cap_reached', 'and refuses';
commit($t, $account, 'l1', 12);
is counter(), 12, 'a commit puts right what it counts';
hold($t, $account, $key, 'l2', 10);
commit($t, $account, 'l2', 20);
is counter(), 32, 'upwards too';
hold($t, $account, $key, "l$_", 2, ttl_ms => 0) for 3 .. 5;
commit($t, $account, 'l3', '-');
void_hold($t, $account, 'l4');
is expire($t, $account), '1 1', 'a hold runs out';
is counter(), 32, 'what returns is not counted, by whichever way';

done_testing;
