# Thresholds are told of once a window, those of a balance once a top-up.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Tollgate;
use Tollgate::Gate;

my $t = Tollgate->new;
$t->redis;
my $n = 0;
my ($account, $wallet, $key);

sub account {
    my (%fields) = @_;

    $account = sprintf 'Thresh%04d', ++$n;
    $wallet = Tollgate::wallet_key($account);
    $t->wallet($account, avail => 1000, %fields);
    $key = $t->key($account, id => 'key_0000000001');

    return;
}

my $serial = 0;

sub ask {
    return gate($t, $account,
                map { +{ key => $key, id => 'r' . ++$serial, %$_ } } @_);
}

# The notices of the account since it was asked last, as "name percent max used".
sub told {
    my @new = map { $_->{i} =~ s/^r\d+ key_0000000001 app_0000000001 //r }
        grep { $_->{k} eq 'threshold' } events($t, $account);
    $t->r('DEL', Tollgate::ledger_key($account));

    return join ', ', @new;
}

account(l => '1 calls requests 10 day calendar account * refuse 50,80,100');
ask(({}) x 4);
is told(), '', 'below a threshold nothing is told';
my $before = snapshot($t, $account);
ask({ dry_run => 1 }, { look => 1 });
is snapshot($t, $account), $before, 'nor of what only would reach it';
ask({});
my ($event) = events($t, $account);
ok delete $event->{t} > 1e15, 'an event tells its time in us';
is_deeply $event, { a => $account, e => 1, s => 1, k => 'threshold', d => 0,
    v => 1000, h => 0, n => 0,
    i => "r$serial key_0000000001 app_0000000001 calls 50 10 5" },
    'a threshold is an event of its own, even of what was free';
told();
ask({ cost => 1 }) for 1 .. 5;
is told(), 'calls 80 10 8, calls 100 10 10', 'each is told once';
ask({});
is told(), '', 'and no refusal tells any';
is join(' ', @{ $t->r('HMGET', $wallet, 'seq', 'avail') }), '8 995',
    'the register numbers charges and notices alike';

# Again in another window, and of another maximum.
my $day = time - time % 86400;
account(l => '1 calls requests 10 day calendar account * warn 80,100',
        'u:1' => $day - 86400 . ' 99 100 10');
ask(({}) x 8);
is told(), 'calls 80 10 8', 'a new window is told of anew';
$t->r('HSET', $wallet, 'l', '1 calls requests 20 day calendar account * warn 80,100');
ask(({}) x 8);
is told(), 'calls 80 20 16', 'so is another maximum';
ask(({}) x 30);
is told(), 'calls 100 20 20', 'and a soft limit beyond its maximum but once';
account(l => "1 a credits 100 life - account * refuse 10,90\n"
            . '2 b units 1000000 month calendar account * warn 1');
ask({ cost => 95 });
is told(), 'a 10 100 95, a 90 100 95', 'a step over several tells of all';

# The balance.
account(low => '80,100', full => 1000);
ask({ cost => 799 });
is told(), '', 'a balance is high';
ask({ cost => 1 }, { cost => 100 });
is told(), 'balance 80 1000 800', 'and low once';
ask({ cost => 100 });
is told(), 'balance 100 1000 1000', 'and empty once';
my $apply = sub {
    my ($number, $delta, @rest) = @_;

    return $t->script('apply', [$wallet, Tollgate::ledger_key($account)],
                      [$account, $number, $delta, @rest]);
};
is $apply->(1, 50, 0, 0), 1, 'after a top-up';
ask({ cost => 40 });
is told(), 'balance 80 50 40', 'it is told of anew';
$apply->(2, -5, 0, 0);
ask({ cost => 5 });
is told(), 'balance 100 50 50', 'but not after a command that takes';
$apply->(3, 0, 0, 1, 'low');
is_deeply $t->r('HMGET', $wallet, qw(low full warned)), [undef, undef, undef],
    'without percents nothing is kept';
account();
$apply->(1, 0, 1, 'low', '50', 0);
is $t->r('HGET', $wallet, 'full'), 1000, 'a balance counts from what it was then';
$apply->(2, 10, 0, 0);
is $t->r('HGET', $wallet, 'full'), 1010, 'and from what a top-up makes of it';

# What a command may set and delete.
is $apply->(3, 0, 5, 'l', 'x', 'l:app_1', 'y', 'zone', '0', 'anchor', 7, 'low', 9, 0),
    1, 'a command sets limits, zone, anchor and percents';
is $apply->(4, 0, 0, 6, 'l', 'l:app_1', 'u:1', 'zone', 'anchor', 'low'), 1,
    'and deletes them, and counters';
ok !eval { $apply->(5, 0, 1, $_, 1, 0); 1 }, "but sets no $_" for qw(u:1 full warned);

done_testing;
