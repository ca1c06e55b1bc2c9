# A refusal by one limit leaves every other value byte-identical, and without
# it the other value would have been consumed: for each pair of limits.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Tollgate;
use Tollgate::Gate;

my $t = Tollgate->new;
$t->redis;

my $far = 9_000_000_000_000_000;
my $day = time - time % 86400;
my $month = $day - 86400 * ((gmtime $day)[3] - 1);
my ($app, $n) = ('app_0000000001', 0);

# Where a limit or state keeps what it refuses for. Each row: verdict, limit
# named, then the value that refuses and the one that lets pass, as
# [wallet field or "plan field", refusing, passing].
my %refuser = (
    key_rate => ['rate_limited', 'key_rate', 't:KEY', $far, 0],
    app_rate => ['rate_limited', 'app_rate', "t:$app", $far, 0],
    day => ['quota_exceeded', 'day', 'day_used', 5, 0],
    month => ['quota_exceeded', 'month', 'month_used', 5, 0],
    credits => ['credits_exhausted', '', 'avail', 9, 100],
    tier => ['tier_required', '', 'plan tier', 0, 1],
    key_revoked => ['key_revoked', '', 'k:HASH', "KEY $app revoked 0",
                    "KEY $app active 0"],
    key_expired => ['key_expired', '', 'k:HASH', "KEY $app active 1",
                    "KEY $app active $far"],
    app => ['app_suspended', '', "a:$app", 'suspended', 'active'],
    account => ['account_suspended', '', 'state', 'suspended', 'active'],
    frozen => ['account_frozen', '', 'state', 'frozen', 'active'],
);

# The value that a request consumes.
my %consumed = (key_rate => 't:KEY', app_rate => "t:$app", day => 'day_used',
                month => 'month_used', credits => 'avail');

# The mode under which both limits of a pair are in play, and what else has to
# be so: credits refuse a window's units only when the other window is full.
sub stage {
    my ($refuser, $other) = @_;

    my %stage = (mode => $refuser eq 'credits' || $other eq 'credits'
                         ? 'payg' : 'subscription', lift => []);

    if ($refuser eq 'credits' && $other =~ /^(?:day|month)$/) {
        my $full = $other eq 'day' ? 'month_used' : 'day_used';
        return { mode => 'hybrid', also => [$full, 5], lift => [$full, 0] };
    }

    if ($other eq 'credits' && $refuser =~ /^(?:day|month)$/) {
        return { mode => 'subscription', lift => ['plan mode', 'hybrid'],
                 keep => 1 };
    }

    return \%stage;
}

sub account {
    my ($mode) = @_;

    my $account = sprintf 'Pair%06d', ++$n;
    my $plan = 'tg:{' . Tollgate::shard($account) . "}:plan:pair$n";
    $t->r('HSET', $plan, version => 1, tier => 1, mode => $mode, day => 5,
          month => 5, key_rate => 60_000_000, key_burst => 2,
          app_rate => 60_000_000, app_burst => 2);
    $t->wallet($account, plan => "pair$n", avail => 100, day => $day,
               day_used => 0, month => $month, month_used => 0);
    my $key = $t->key($account, id => "key_$n");

    my $name = sub { $_[0] =~ s/KEY/key_$n/r =~ s/HASH/key_hash($key)/er };
    my $set = sub {
        my ($field, $value) = map { $name->($_) } @_;
        return $field =~ s/^plan // ? $t->r('HSET', $plan, $field, $value)
            : $t->r('HSET', Tollgate::wallet_key($account), $field, $value);
    };

    return ($account, $key, $set, $name);
}

for my $refuser (sort keys %refuser) {
    my ($verdict, $limit, $field, $refusing, $passing) =
        @{ $refuser{$refuser} };

    for my $other (grep { $_ ne $refuser } sort keys %consumed) {
        my $stage = stage($refuser, $other);
        my ($account, $key, $set, $name) = account($stage->{mode});
        my $request = { key => $key, cost => 10, units => 1, tier => 1 };
        my $read = sub {
            $t->r('HGET', Tollgate::wallet_key($account),
                  $name->($consumed{$other})) // 'nothing'
        };

        $set->($field, $refusing);
        $set->(@{ $stage->{also} }) if $stage->{also};

        my $before = snapshot($t, $account);
        my $answer = gate($t, $account, $request);
        is "$answer->{verdict} $answer->{limit}", "$verdict $limit",
            "$refuser refuses beside $other";
        is snapshot($t, $account), $before,
            "and leaves $other and all else byte-identical";

        $set->($field, $passing) unless $stage->{keep};
        $set->(@{ $stage->{lift} }) if @{ $stage->{lift} };

        my $value = $read->();
        is gate($t, $account, $request)->{verdict}, 'pass',
            "without $refuser the request passes";
        isnt $read->(), $value, "and consumes $other";
    }
}

done_testing;
