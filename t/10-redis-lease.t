# lease.lua and reclaim.lua: what a host has on lease is held, what it used is
# charged once, and what it does not use returns.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Tollgate;
use Tollgate::Gate;
use Tollgate::Hold;
use Tollgate::Lease;

my $t = Tollgate->new;
$t->redis;

my $account = 'Lease00001';
my $wallet = Tollgate::wallet_key($account);
$t->wallet($account, avail => 1000);
my $key = $t->key($account);
my $id = 'key_0000000001';
my %of = (account => $account, key => $key, key_id => $id, epoch => 1);

sub money { return wallet_fields($t, $account, qw(avail held lent owed seq)) }

# From the first to the last call of a lease.
my $got = lease($t, { account => $account, key => $key, credits => 80 });
is join(' ', @$got{qw(answer taken epoch credits app key plan tier mode avail)}),
    'ok 1 1 80 app_0000000001 key_0000000001 payg 0 payg 920', 'credits are lent';
my $no = $got->{no};
is $no, $got->{now}, 'its first number is of that moment';
is money(), '920 80 80 0 - 1', 'which the wallet holds';
is record_of($t, $account, $id) =~ s/ \d+ \d+\z//r, "$no 80 0", 'for that host and key';
like join(' ', leases($t, $account)), qr/^$account $id $Tollgate::Lease::HOST $no\z/,
    'and which are in the list of leases';
is_deeply [map { delete $_->{t}; $_ } events($t, $account)],
    [{ a => $account, e => 1, s => 1, k => 'lease', d => 0, v => 920, h => 80, n => 0, i => '' }],
    'the register is told';

$got = lease($t, { %of, no => $no, records => [3, item('r1', $id, 30), 5, item('r2', $id, 20)] });
is join(' ', @$got{qw(answer taken credits avail)}, $got->{no} - $no), 'ok 1 0 920 1', 'what was used is taken';
is money(), '920 30 30 0 - 2', 'of what is lent';
is((events($t, $account))[1]{i}, item('r1', $id, 30) . ';' . item('r2', $id, 20),
   'the event lists the requests');
is((events($t, $account))[1]{d}, -50, 'and is of what they cost');
is mark_of($t, $account), 5, 'the mark is the last number';

$got = lease($t, { %of, no => $no + 1, credits => 40, back_credits => 10,
                   records => [5, item('r2', $id, 20), 6, item('r3', $id, 5)] });
is $got->{no} - $no . " $got->{credits}", '2 40', 'a call takes, gives back and lends';
is money(), '890 55 55 0 - 3', 'in one event, and takes no record twice';

# A call whose reply was lost comes again.
$got = lease($t, { %of, no => $no + 1, credits => 40, back_credits => 10, records => [6, item('r3', $id, 5)] });
is join(' ', @$got{qw(answer taken credits)}, $got->{no} - $no), 'ok 1 0 2', 'a call that comes twice is known';
is money(), '890 55 55 0 - 3', 'and changes nothing';
is lease($t, { account => $account, key => $key, credits => 9 })->{credits}, 0,
    'nor does one that would open it again';

# Another process of the host tells what it used, under its own ring.
$got = lease($t, { account => $account, key_id => $id, records => [1, item('r4', $id, 15)] }, ring => 2);
is join(' ', @$got{qw(answer taken credits)}, $got->{no} - $no), 'ok 1 0 2', 'records alone are taken of the lease';
is money(), '890 40 40 0 - 4', 'whatever its number';
is mark_of($t, $account) . mark_of($t, $account, ring => 2), '61', 'each ring has its mark';
lease($t, { account => $account, key_id => $id, end => 1, credits => 9 }, ring => 2);
is money(), '890 40 40 0 - 4', 'and nothing else is done by who only tells';
is lease($t, { %of, no => $no + 2, back_credits => 500 })->{no}, $no + 3, 'no more returns than there is';
is money(), '930 0 - - 5', 'of a lease that stays though it is empty';
lease($t, { %of, no => $no + 3, credits => 50 });

# The end.
$got = lease($t, { %of, no => $no, end => 1, credits => 99, records => [7, item('r5', $id, 8)] });
is "@$got{qw(answer taken no credits)}", 'ok 1 0 0', 'a lease ends, whatever no the host knows';
is money(), '922 0 - - 7', 'what it did not use returns';
is record_of($t, $account, $id) . join(' ', leases($t, $account)), '-', 'and it is gone';
is lease($t, { %of, no => $no + 4, end => 1 })->{answer}, 'ok', 'to end it again does nothing';
$got = lease($t, { %of, no => $no + 4, credits => 20 });
is "@$got{qw(answer no credits)}", 'strict 0 0', 'a host whose lease is gone has to end it';
is money(), '922 0 - - 7', 'and gets none';

# Used beyond the lease: of avail, then owed.
$no = lease($t, { %of, epoch => 0, credits => 40 })->{no};
$t->r('HSET', $wallet, avail => 10);
$got = lease($t, { %of, no => $no, credits => 8,
                   records => [8, item('r6', $id, 45), 9, item('r7', $id, 10), 10, item('r8', $id, 3)] });
is "@$got{qw(answer taken credits avail)}", 'strict 1 0 0', 'what was used is charged';
is money(), '0 0 - 8 10', 'of the lease, then of avail, and the rest is owed';
my ($charged, $owed) = (events($t, $account))[-2, -1];
is "$charged->{d} $charged->{i}", '-50 ' . item('r6', $id, 45) . ';' . item('r7', $id, 5),
    'the charge is of what there was';
is "$owed->{k} $owed->{d} $owed->{i}", 'owed 0 ' . item('r7', $id, 5) . ';' . item('r8', $id, 3), 'the rest is told';
$t->r('HSET', $wallet, avail => 100, pocket => '0 90 50/0/a 90 90', owed => 0);
lease($t, { account => $account, key_id => $id, records => [11, item('r9', $id, 15)] });
is money(), '90 0 - 5 12', 'credits of pockets with a name are left alone';

# A host that is not heard of.
$t->r('HDEL', $wallet, 'pocket', 'owed');
$t->r('HSET', $wallet, avail => 500);
lease($t, { %of, no => $no + 1, end => 1 });
$no = lease($t, { account => $account, key => $key, credits => 50 })->{no};
lease($t, { %of, no => $no });
is reclaim($t, $account, $id, no => $no), 0, 'a lease that changed since is not reclaimed';
lease($t, { %of, no => $no + 1, end => 1 });
$t->r('HSET', $wallet, recall => 1);
lease($t, { account => $account, key => $key, credits => 50 });
is money(), '500 0 - - 14', 'while others wait for what is lent nothing is';
$t->r('HDEL', $wallet, 'recall');
lease($t, { account => $account, key => $key, credits => 50 });
is reclaim($t, $account, $id, no => $no), 0, 'nor is one that was opened again';
$t->r('HSET', $wallet, plan => '-');
is reclaim($t, $account, $id), 0, 'nor one of a wallet that is to be made again';
$t->r('HSET', $wallet, plan => 'payg');
is reclaim($t, $account, $id), 1, 'one that did not is';
is money(), '500 0 - - 16', 'and its credits are avail';
is((events($t, $account))[-1]{d}, 0, 'by an event of nothing used');
is reclaim($t, $account, $id, no => $no), 0, 'once';
$t->r('HSET', (lease_keys($account, '', ''))[1], "$account $id $Tollgate::Lease::HOST", '1 1');
is reclaim($t, $account, $id) . join(' ', leases($t, $account)), '1', 'a place without a lease goes';

# Of several accounts one that can't be decided waits, and nobody else.
my @three = map { my $n = $_; (grep { Tollgate::shard($_) == Tollgate::shard($account) }
    map { sprintf 'Wait%d%05d', $n, $_ } 1 .. 9999)[0] } 1 .. 3;
$t->wallet($_, avail => 100) for @three;
my @told = map { { account => $three[$_ - 1], key_id => $id,
                   records => [20 + $_, item("a$_", $id, $_), 30 + $_, item("b$_", $id, 10)] } } 1 .. 3;
$t->r('HSET', Tollgate::wallet_key($three[0]), plan => '-');
$t->r('HSET', Tollgate::wallet_key($three[1]), held => 'x');
is join(' ', map { "$_->{answer} $_->{taken}" } lease($t, \@told)), 'wait 0 wait 0 ok 1', 'a wallet may have to wait';
is wallet_fields($t, $three[2], 'avail') . '; ' . mark_of($t, $account), '87; 33 21 22 31 32',
    'of the others all is taken';
$t->r('CONFIG', 'SET', 'maxmemory', 1);
ok !eval { lease($t, { %{ $told[2] }, records => [40, item('c3', $id, 1)] }); 1 }, 'a full Redis is an error';
$t->r('CONFIG', 'SET', 'maxmemory', 0);
is wallet_fields($t, $three[2], 'avail') . '; ' . mark_of($t, $account), '87; 33 21 22 31 32', 'and nothing is taken';
$t->r('HSET', Tollgate::wallet_key($three[0]), plan => 'payg');
$t->r('HSET', Tollgate::wallet_key($three[1]), held => 0);
is join(' ', map { $_->{taken} } lease($t, [@told])), '1 1 1', 'once they can they are taken';
is join(' ', map { wallet_fields($t, $_, 'avail') } @three) . '; ' . mark_of($t, $account), '89 88 87; 33', 'each once';

# Calls that come too late.
my $before = snapshot($t, $account);
is lease($t, { %of, credits => 5, records => [90, item('r9', $id, 1)] }, deadline => 1)->{answer},
    'deadline_passed', 'a call whose deadline has passed is told';
is snapshot($t, $account) . mark_of($t, $account), "${before}33", 'and does nothing';

done_testing;
