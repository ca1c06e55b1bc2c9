#!/usr/bin/perl
# Calls with an Idempotency-Key: gate.lua charges one of a kind, release.lua and
# refund.lua say how it ended, and what nobody ends ends by its lease.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Digest::SHA qw(sha256_hex);
use Test::More;
use Tollgate;
use Tollgate::Gate;

my $t = Tollgate->new;
$t->redis;
$t->plan('rated', key_rate => 3_600_000_000, key_burst => 3);
$t->plan('sub', mode => 'subscription', day => 10, month => 10);

my ($account, $serial) = ('IdemAcct01', 0);
my $wallet = Tollgate::wallet_key($account);
$t->wallet($account, avail => 1000);
my $key = $t->key($account);

sub word {
    my ($name, $call, %opt) = @_;
    return join ':', 'idem=' . ($opt{lease} // 30_000),
        map({ substr sha256_hex($_), 0, 32 } $name, $call), 86_400, $opt{retries} // 10;
}

sub name_of {
    my ($name) = @_;
    return 'tg:{' . Tollgate::shard($account) . "}:i:$account:"
        . substr sha256_hex($name), 0, 32;
}

# Requests that cost 10 each, given as [name, call, more].
sub ask {
    return gate($t, $account, map {
        my ($name, $call, %more) = @$_;
        { key => $key, cost => 10, id => sprintf('%032d', ++$serial),
          extras => word($name, $call, %more), %more }
    } @_);
}

sub release {
    my ($answer, $id, $outcome) = @_;

    return $t->script('release', [$wallet], [$account, sprintf('%032d', $id),
                                             $outcome, $answer->{ticket}]);
}

sub give_back {
    my ($answer, $id) = @_;
    $id = sprintf '%032d', $id;
    return $t->script('refund', [$wallet, Tollgate::ledger_key($account),
        name_of('') =~ s/:i:.*/:r:$id/r], [$account, $id, 1,
        @$answer{qw(key app)}, '-', '-',
        @$answer{qw(credits units day_end month_end ticket)}]);
}

sub lives { return $t->r('PTTL', name_of($_[0])) }

# One call, from beginning to end.
my $first = ask(['a', 'x']);
is "$first->{verdict} $first->{credits}", 'pass 10', 'the first is charged';
is $first->{ticket}, 'ei:' . word('a', 'x') =~ s/idem=//r,
    'and has in its ticket what ends with it';
ok lives('a') > 29_000 && lives('a') <= 30_000, 'it is in progress for a lease';
my $before = snapshot($t, $account);
my $again = ask(['a', 'x']);
is "$again->{verdict} $again->{credits} $again->{retry_ms}",
    'idempotency_in_progress 0 1000', 'meanwhile the same is told to wait';
is ask(['a', 'y'])->{verdict}, 'idempotency_mismatch', 'and another is refused';
is ask(['a', 'x', dry_run => 1])->{verdict}, 'idempotency_in_progress',
    'a dry run is told the same';
is snapshot($t, $account), $before, 'none of which leaves anything behind';
is ask(['b', 'x'])->{credits}, 10, 'another key is another call';
$t->r('PEXPIRE', name_of('a'), 1000);
is release($first, 1, 'run'), 1, 'a call that goes on says so';
ok lives('a') > 29_000, 'and has its lease anew';
release($first, 2, 'run');
release($first, 2, 'done');
release($first, 2, 'back');
is ask(['a', 'x'])->{verdict}, 'idempotency_in_progress',
    'of which another request can say nothing';
release($first, 1, 'done');
$before = snapshot($t, $account);
$again = ask(['a', 'x']);
is join(' ', @$again{qw(verdict credits units ticket)}), 'pass 0 0 ',
    'then the same passes for nothing';
ok lives('a') > 86_000_000, 'and is remembered for its time';
is snapshot($t, $account), $before, 'and takes nothing';
is join(' ', map { $_->{credits} } ask(map { ['a', 'x', retries => 3] } 1 .. 2), ask(['a', 'x', retries => 2])), '0 0 10',
    'so many times: then it is charged like the first';
is ask(['a', 'x'])->{verdict}, 'idempotency_in_progress', 'and is in progress again';
release($first, $serial - 1, 'done');
is ask(['a', 'y'])->{verdict}, 'idempotency_mismatch', 'another is refused still';
$t->r('EXPIRE', name_of('a'), 50);
release($first, 1, $_) for qw(done run back);
ok lives('a') <= 50_000, 'an end that comes twice or late changes nothing';

# What was not charged in the end is forgotten.
my $failed = ask(['c', 'x']);
my $left = $t->r('HGET', $wallet, 'avail');
is give_back($failed, $serial), 1, 'a call that failed is given back';
is $t->r('HGET', $wallet, 'avail') - $left, 10, 'its credits';
my $anew = ask(['c', 'x']);
is $anew->{credits}, 10, 'and its key, so that the next one is charged';
is give_back($failed, $serial - 1), 0, 'a refund that comes twice';
release($failed, $serial - 1, 'back');
is ask(['c', 'x'])->{verdict}, 'idempotency_in_progress', 'frees no later call';
release($anew, $serial - 1, 'done');

my $free = ask(['f', 'x', cost => 0]);
give_back($free, $serial);
is $t->r('EXISTS', name_of('f')), 0, 'one that cost nothing is forgotten too';

# Of some in one call one passes, and what is refused keeps no key.
my @batch = ask(['g', 'x'], ['g', 'x'], ['g', 'y'], ['h', 'x']);
is verdicts(@batch), 'pass idempotency_in_progress idempotency_mismatch pass', 'of two one passes';
is ask(['p', 'x', cost => 5000])->{verdict}, 'credits_exhausted', 'who has too little is refused';
is $t->r('EXISTS', name_of('p')), 0, 'and keeps no key';
ask(['p', 'x', dry_run => 1]);
is $t->r('EXISTS', name_of('p')), 0, 'nor does a dry run';

# Leases: a crash is forgotten, a Redis that forgot is told again.
my $lost = ask(['l', 'x', lease => 20]);
ok $t->wait_for(sub { !$t->r('EXISTS', name_of('l')) }, 'the lease to end'),
    'what nobody keeps up ends by itself';
release($lost, $serial, 'run');
is $t->r('EXISTS', name_of('l')), 1, 'who is still there says so';
$t->r('DEL', name_of('l'));
release($lost, $serial, 'done');
is ask(['l', 'x'])->{credits}, 0, 'as is the end of one that was forgotten';
$t->r('DEL', name_of('l'));
release($lost, $serial - 1, 'back');
is $t->r('EXISTS', name_of('l')), 0, 'giving back makes nothing';

# Rates count a retry, quota does not.
$t->r('HSET', $wallet, plan => 'rated');
my $rated = ask(['r', 'x']);
release($rated, $serial, 'done');
is verdicts(map { scalar ask(['r', 'x']) } 1 .. 3), 'pass pass rate_limited', 'a retry counts for rates';
$t->r('HSET', $wallet, plan => 'sub');
my $quota = ask(['q', 'x', units => 9]);
release($quota, $serial, 'done');
is join(' ', @{ ask(['q', 'x', units => 9]) }{qw(verdict units day_left)}), 'pass 0 1', 'and not for quota';

done_testing;
