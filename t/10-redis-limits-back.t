# What a ticket says goes back to the counters of limits, where their window is
# still the same.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Tollgate;
use Tollgate::Gate;

my $t = Tollgate->new;
$t->redis;
$t->plan('sub', mode => 'subscription', day => 90);

my ($n, $serial) = (0, 0);
my $day = time - time % 86400;
my ($account, $wallet, $key);

sub account {
    my (%fields) = @_;

    $account = sprintf 'Ticket%04d', ++$n;
    $wallet = Tollgate::wallet_key($account);
    $t->wallet($account, avail => 1000, %fields);
    $key = $t->key($account, id => 'key_0000000001');

    return;
}

sub ask { return gate($t, $account, map { +{ key => $key, %$_ } } @_) }

sub refund {
    my ($answer) = @_;

    return $t->script('refund', [$wallet, Tollgate::ledger_key($account),
        'tg:{' . Tollgate::shard($account) . '}:r:' . ++$serial],
        [$account, 'r', 1, @$answer{qw(key app)}, '-', '-',
         @$answer{qw(credits units day_end month_end ticket)}]);
}

sub counters { return join ', ', map { $_ // '-' } @{ $t->r('HMGET', $wallet, @_) } }

account(plan => 'sub', l => join("\n", '1 a requests 9 day calendar account * refuse 10',
    '2 b units 9 life - app * refuse -', '3 c rate 9 1000000 - account * refuse -'),
    'l:key_0000000001' => '4 d requests 9 day calendar key * refuse -');
my ($answer) = ask({ units => 5 }, { units => 1 });
is $answer->{ticket}, "u:1 - $day 1;u:2 a 0 5;u:4 k $day 1", 'a ticket names what was taken';
my $rate = counters('u:3');
is refund($answer), 1, 'it is given back';
is counters('u:1', 'u:2:app_0000000001', 'u:4:key_0000000001'),
    "$day 1 10 9, 0 1 0 9, $day 1 0 9", 'to each counter, which was told of as before';
is counters('u:3'), $rate, 'but to no rate';
$t->r('HSET', $wallet, 'u:1', $day + 86400 . ' 3 0 9');
$t->r('HDEL', $wallet, 'u:4:key_0000000001');
refund($answer);
is counters('u:1', 'u:2:app_0000000001', 'u:4:key_0000000001'),
    $day + 86400 . ' 3 0 9, 0 0 0 9, -', 'not to another window, nor below 0';
account(l => join "\n", map { "limit0000$_ a$_ credits 9999 day calendar key * refuse -" }
        10 .. 30);
$answer = ask({ cost => 1000 });
cmp_ok length $answer->{ticket}, '<=', 384, 'many limits make no ticket too long';
is counters('u:limit000030:key_0000000001'), "$day 1000 0 9999", 'and count all';

done_testing;
