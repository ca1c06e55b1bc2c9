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

# As many as there can be, eight a holder, each with the longest word.
sub most { return join "\n", map { "limit0$_[0]00$_ a$_ $_[2] 9007199254740991 day calendar $_[1] * refuse -" } 1 .. 8 }
account(avail => '9007199254740991', l => most(10, 'account', 'credits'),
        'l:app_0000000001' => most(20, 'app', 'credits'),
        'l:key_0000000001' => most(30, 'key', 'credits'));
$t->plan('payg', limits => most(40, 'app', 'credits'));
$answer = ask({ cost => '9007199254740000' });
my @words = split /;/, $answer->{ticket};
is scalar @words, 32, 'a ticket names every counter of 32';
cmp_ok length $answer->{ticket}, '>', 32 * 41, 'however long the words';
sub of_all { return grep { /^u:/ } @{ $t->r('HKEYS', $wallet) } }
is scalar(grep { / 9007199254740000 / } map { counters($_) } of_all()), 32, 'all were debited';
is refund($answer), 1, 'it is given back';
is join(',', sort map { (split ' ', counters($_))[1] } of_all()), join(',', (0) x 32),
    'to all of them';
$t->plan('payg', limits => '');
account(l => join "\n", map { "many0000$_ a$_ credits 9999 day calendar key * refuse -" } 10 .. 99);
$answer = ask({ cost => 1000 });
cmp_ok length $answer->{ticket}, '<=', 1743, 'more than there can be make no ticket too long';
is counters('u:many000099:key_0000000001'), "$day 1000 0 9999", 'and are counted';

done_testing;
