# Limits with a name: which fit a request, what they count, when they refuse,
# and what a refusal, a dry run and a look leave alone.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Tollgate;
use Tollgate::Gate;

my $t = Tollgate->new;
$t->redis;
$t->plan('sub', mode => 'subscription', day => 50);
$t->plan('both', mode => 'hybrid', day => 50);
my $n = 0;
my ($app, $key_id, $account, $key);

# A new account with these fields, and a key of it.
sub account {
    my (%fields) = @_;

    $account = sprintf 'Limits%04d', ++$n;
    $app = sprintf 'app_%010d', $n;
    $key_id = sprintf 'key_9%09d', $n;
    $t->wallet($account, avail => 1_000_000,
        map { (s/APP/$app/r =~ s/KEY/$key_id/r, $fields{$_}) } keys %fields);
    $key = $t->key($account, id => $key_id, app => $app);

    return;
}

sub ask { return gate($t, $account, map { +{ key => $key, %$_ } } @_) }

sub field { return $t->r('HGET', Tollgate::wallet_key($account), $_[0]) }

# Counters: start, used, highest percent told, of which maximum.
sub used { return (split ' ', field($_[0]) // '- 0')[1] }

# Which requests a limit fits.
for my $row (['*', '-', 1], ['*', 'video.make', 1], ['video.make', '-', 0],
             ['video.make', 'video.make', 1], ['video.make', 'video.maker', 0],
             ['video.*', 'video.make', 1], ['video.*', 'video.', 1],
             ['video.*', 'video', 0], ['video.*', 'a.video.b', 0]) {
    my ($limit, $feature, $fits) = @$row;
    account(l => "1 cap requests 1 day calendar account $limit refuse -");
    is verdicts(ask(({ feature => $feature }) x 2)),
        $fits ? 'pass cap_reached' : 'pass pass',
        "a limit of $limit " . ($fits ? 'fits ' : "doesn't fit ") . $feature;
}

# Whose counter it is, and who else has the limit.
my $day = time - time % 86400;
for my $row (['l', 'account', 'u:1'], ['l', 'app', 'u:1:APP'],
             ['l', 'key', 'u:1:KEY'], ['l:APP', 'app', 'u:1:APP'],
             ['l:KEY', 'key', 'u:1:KEY']) {
    my ($holder, $per, $counter) = @$row;
    account($holder => "1 cap requests 2 day calendar $per * refuse -");
    my $sister = $t->key($account, app => $app);
    my $cousin = $t->key($account, app => 'app_other00001');
    is verdicts(ask(({}) x 3)), 'pass pass cap_reached',
        "a limit in $holder per $per";
    is field($counter =~ s/APP/$app/r =~ s/KEY/$key_id/r), "$day 2 0 2",
        'has its counter there';
    my $family = verdicts(gate($t, $account, map { +{ key => $_ } } $sister,
                               $cousin));
    my $alone = $holder eq 'l:KEY' || $per eq 'key';
    is $family, ($per eq 'account' ? 'cap_reached cap_reached'
                 : $alone ? 'pass pass' : 'cap_reached pass'),
        'and counts only its own';
}

# What meters count.
account(l => join "\n", '1 calls requests 3 month calendar account * refuse -',
    '2 spend credits 100 life - account * refuse -');
is verdicts(ask({ cost => 60 }, { cost => 41 }, { cost => 40 }, {}, {})),
    'pass cap_reached pass pass cap_reached', 'requests and credits are capped';
is used('u:1') . ' ' . used('u:2'), '3 100', 'by what passed alone';
my $answer = ask({});
is "$answer->{limit} " . ($answer->{retry_ms} > 0), 'calls 1',
    'a month that is full ends';
$t->r('HDEL', Tollgate::wallet_key($account), 'u:1');
$answer = ask({ cost => 1 });
is "$answer->{limit} $answer->{retry_ms}", 'spend 0', 'a life does not';
is ask({ cost => 0 })->{verdict}, 'pass', 'and what is free is no spending';

for my $row (['sub', 'pass quota_exceeded pass', '4', 0],
             ['both', 'pass pass pass', '4', 10], ['payg', 'pass pass pass', 0, 30]) {
    my ($plan, $verdicts, $units, $credits) = @$row;
    account(plan => $plan, l => '1 few units 4 week calendar account * refuse -');
    my @answers = ask({ units => 3, cost => 10 }, { units => 2, cost => 10 },
                      { units => 1, cost => 10 });
    is verdicts(@answers), $verdicts, "units of $plan";
    is used('u:1'), $units, 'and what they count';
    is 1_000_000 - $answers[2]{avail}, $credits, 'and what they cost';
}
account(plan => 'sub', l => '1 few units 4 day calendar account * refuse -');
$answer = ask({ units => 5 });
is "$answer->{limit} $answer->{retry_ms}", 'few 0', 'more than all never fits';

# Rates.
account(l => "1 slow rate 2 60000000 - account * refuse -\n"
            . '2 slower rate 1 90000000 - key x refuse -');
is verdicts(ask({}, {}, {})), 'pass pass rate_limited', 'a rate has its burst';
$answer = ask({ feature => 'x' });
is $answer->{limit}, 'slow', 'and its name';
ok $answer->{retry_ms} > 59_000 && $answer->{retry_ms} <= 60_000, 'and its wait';
is $answer->{ticket}, '', 'and no ticket';
like $answer->{limits}, qr/^slow rate 2 0 1[12]\d{4} 60000000 refuse
slower rate 1 1 0 90000000 refuse\n\z/, 'all that fit are told of';

# All together, or nothing.
account(plan => 'sub', 'l:KEY' => '3 own requests 2 hour calendar key * refuse -',
    l => "1 calls requests 9 day calendar account * refuse -\n"
        . '2 paced rate 9 1000000 - app * refuse -');
ask({ units => 1 }, { units => 1 });
my $before = snapshot($t, $account);
is ask({ units => 1 })->{limit}, 'own', 'the least of them refuses';
ask({ dry_run => 1, units => 1 });
$answer = ask({ look => 1 });
is $answer->{verdict}, 'pass', 'but no look';
is snapshot($t, $account), $before, 'and nothing is taken of any';
is_deeply [map { (split ' ')[0, 3] } split /\n/, $answer->{limits}],
    ['calls', 7, 'paced', 7, 'own', 0], 'as the look tells';

# A warning counts on.
account(l => '1 soft requests 2 day calendar account * warn -');
is verdicts(ask(({}) x 4)), 'pass pass pass pass', 'a soft limit passes all';
is used('u:1'), 4, 'counts them';
is +(split ' ', ask({ look => 1 })->{limits})[3], 0, 'and has nothing left';

# Lines that are none.
for my $junk ('x', '1 a requests 5 day calendar account *', '1 a b 5 day c d e f -',
              '1 a requests -5 day calendar account * refuse -',
              '1 a requests 9007199254740992 day calendar account * refuse -',
              '1 a rate 5 0 - account * refuse -',
              '1 a requests 5 year calendar account * refuse -') {
    account(l => $junk);
    is ask({})->{verdict}, 'store_unreachable', "\"$junk\" lets nobody pass";
}
account('u:1' => 'x', l => '1 a requests 1 day calendar account * refuse -');
is verdicts(ask({}, {})), 'pass cap_reached', 'a counter that is none counts anew';
account('u:1' => $day + 86400 . ' 1 0 1',
        l => '1 a requests 1 day calendar account * refuse -');
is ask({})->{verdict}, 'cap_reached', 'a clock that stepped back gives nothing';

done_testing;
