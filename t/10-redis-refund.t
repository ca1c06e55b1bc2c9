# refund.lua gives back what one request was charged, once and to its windows.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Tollgate;
use Tollgate::Gate;

my $t = Tollgate->new;
$t->redis;
$t->plan('sub', mode => 'subscription', day => 10, month => 10);

my $account = 'Refund0001';
my $wallet = Tollgate::wallet_key($account);
my $serial = 0;

sub fields { return join ' ', @{ $t->r('HMGET', $wallet, @_) } }

sub marker { return 'tg:{' . Tollgate::shard($account) . "}:r:$_[0]" }

# Refunds what an answer says, with some of it replaced.
sub refund {
    my ($id, $answer, %over) = @_;

    my %args = (epoch => 1, feature => 'video.generate', model => '-',
                %$answer, %over);

    return $t->script('refund',
        [$wallet, Tollgate::ledger_key($account), marker($id)],
        [$account, $id, @args{qw(epoch key app feature model credits units
                                 day_end month_end)}, '-']);
}

# A charge given back, then again.
$t->wallet($account, avail => 100, held => 3);
my $answer = gate($t, $account, { key => $t->key($account), cost => 30 });
is refund('r1', $answer), 1, 'a charge is given back';
is fields(qw(avail seq)), '100 2', 'to the balance, as one event';
my $before = snapshot($t, $account);
is refund('r1', $answer), 0, 'a second time is told';
is snapshot($t, $account), $before, 'and does nothing';
ok $t->r('TTL', marker('r1')) > 86_000, 'the marker lives for a day';

my $event = (events($t, $account))[1];
ok delete $event->{t} > 1e15, 'the event tells its time in us';
is_deeply $event, { a => $account, e => 1, s => 2, k => 'refund', d => 30,
    v => 100, h => 3, n => 0,
    i => "r1 $answer->{key} $answer->{app} video.generate - 30 0" },
    'a refund tells whose request it was and what went back';

# Where nothing is to be done.
$before = snapshot($t, $account);
is refund('r2', $answer, epoch => 2), -1, 'a charge of another epoch is not';
is refund('r2', $answer, epoch => ''), -1, 'nor one of no epoch';
is snapshot($t, $account), $before, 'and nothing is written';
is $t->r('EXISTS', marker('r2')), 0, 'not even a marker';
$t->r('HSET', $wallet, avail => '9007199254740991');
is refund('r2', $answer), -1, 'a balance does not grow to 2^53';
$t->r('HSET', $wallet, avail => 'x');
is refund('r2', $answer), -1, 'a balance that is no number is left alone';
is fields('avail'), 'x', 'as it is';
$t->r('DEL', $wallet);
is refund('r2', $answer), -1, 'no wallet, no refund';
is $t->r('EXISTS', $wallet), 0, 'and none is made';

for my $bad (['credits', -5], ['credits', '1.5'], ['units', 'x'],
             ['day_end', '']) {
    $t->wallet($account, avail => 50);
    $before = snapshot($t, $account);
    ok !eval { refund('r3', $answer, @$bad); 1 },
        "$bad->[0] of \"$bad->[1]\" raise an error";
    is snapshot($t, $account), $before, 'and write nothing';
}

# Units return to the windows that they came from.
my @windows = qw(day day_used month month_used);
my $units = sub {
    my (%change) = @_;

    $t->r('DEL', $wallet);
    $t->wallet($account, plan => 'sub');
    my $answer = gate($t, $account, { key => $t->key($account), units => 4,
                                      cost => 7 });
    $t->r('HSET', $wallet, %change) if %change;
    my ($day, $month) = ($answer->{day_end} - 86400,
                         $t->r('HGET', $wallet, 'month'));

    return ($answer, $day, $month, 'u' . ++$serial);
};

($answer, my ($day, $month, $id)) = $units->();
is refund($id, $answer), 1, 'units are given back';
is fields(@windows), "$day 0 $month 0", 'to the day and the month';
is((events($t, $account))[-1]{i},
   "$id $answer->{key} $answer->{app} video.generate - 0 4",
   'the event tells the units');
is((events($t, $account))[-1]{d}, 0, 'and no credits');

my $old = $day - 86400;
($answer, $day, $month, $id) = $units->(day => $old, day_used => 9);
is refund($id, $answer), 1, 'when the day is another';
is fields(@windows), "$old 9 $month 0", 'only the month gets them';
like((events($t, $account))[-1]{i}, qr/ 0 4\z/, 'and the event tells them');

($answer, $day, undef, $id) = $units->(month => $month - 30 * 86400,
                                       month_used => 8);
is refund($id, $answer), 1, 'when the month is another';
is fields(@windows), "$day 0 " . ($month - 30 * 86400) . ' 8',
    'only the day gets them';

($answer, $day, $month, $id) = $units->();
is refund($id, $answer, day_end => $day, month_end => $month), 1,
    'when both windows of the request are over';
is fields(@windows), "$day 4 $month 4", 'neither gets them';
like((events($t, $account))[-1]{i}, qr/ 0 0\z/,
     'and the event tells that no units went back');

my ($day_over, $month_over) = ($day - 86400, $month - 86400);
($answer, undef, undef, $id) = $units->(day => $day_over - 86400,
                                        month => $month_over - 29 * 86400);
is refund($id, $answer, day_end => $day_over, month_end => $month_over), 1,
    'when they are over and nothing came since';
is fields(qw(day_used month_used)), '4 4', 'neither gets them';

($answer, $day, $month, $id) = $units->(day_used => 3, month_used => 1);
is refund($id, $answer), 1, 'when fewer units are used than come back';
is fields(@windows), "$day 0 $month 0", 'no counter goes below zero';

done_testing;
