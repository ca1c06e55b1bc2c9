# gate.lua calls back what is on lease where a request is refused that would pass
# with it, and only there.

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
my %quota = (day => 100, month => 1000);
$t->plan('sub', mode => 'subscription', %quota);
$t->plan('hybrid', mode => 'hybrid', %quota);

my ($n, $account, $wallet, $key, $id, $no) = (0);

# An account of which so much of what it has is on lease.
sub lends {
    my ($fields, %want) = @_;

    $account = sprintf 'Recall%04d', ++$n;
    $wallet = Tollgate::wallet_key($account);
    $t->wallet($account, avail => 800, %$fields);
    $key = $t->key($account, id => $id = sprintf 'key_%010d', $n);
    $no = lease($t, { account => $account, key => $key, %want })->{no};

    return;
}

# What a request is answered, and what is called back then.
sub asks {
    my ($cost, $units, %more) = @_;

    my $got = gate($t, $account, { key => $key, cost => $cost, units => $units // 0, %more });

    return join ' ', $got->{verdict}, $got->{ticket} || '-', $t->r('HGET', $wallet, 'recall') // 0;
}

sub call { return lease($t, { account => $account, key => $key, key_id => $id, epoch => 1, no => $no, @_ }) }

# Credits.
lends({}, credits => 100);
is asks(801), 'credits_exhausted - 0', 'what never was there is refused as ever';
is asks(750, 0, dry_run => 1), 'credits_exhausted - 0', 'and a dry run calls nothing back';
is asks(0, 0, look => 1), 'pass - 0', 'nor does a look';
is asks(700), 'pass - 0', 'nor what passes';
my $before = snapshot($t, $account);
is asks(30), 'credits_exhausted lent 1', 'what would pass with what is lent calls it back';
is snapshot($t, $account) =~ s/^recall 1\n//mr, $before, 'and does nothing else';
is asks(30), 'credits_exhausted lent 1', 'a second one too';
is call(credits => 10)->{answer}, 'strict', 'hosts have to end their leases';
is call(no => $no + 1, end => 1, records => [1, item('r1', $id, 60)])->{answer}, 'ok', 'they tell what they used';
is asks(41), 'credits_exhausted - 0', 'then what is lacking is lacking';
is asks(40), 'pass - 0', 'and what came back is there';
is wallet_fields($t, $account, qw(avail held lent recall)), '0 0 - -', 'all of it';

# One of several: the last that ends lets others lease again.
lends({ avail => 8000 }, credits => 1000);
my $host = '00000000000000bb';
my $other = lease($t, { account => $account, key => $key, credits => 100 }, host => $host);
is asks(7000), 'credits_exhausted lent 1', 'while leases last';
call(end => 1);
is wallet_fields($t, $account, 'recall'), '1', 'the call stands until all have ended';
reclaim($t, $account, $id, host => $host);
is wallet_fields($t, $account, 'recall'), '-', 'be it by the worker';
is asks(7000), 'pass - 0', 'and requests pass';

# Quotas.
lends({ plan => 'sub' }, units => 6);
is asks(0, 101), 'quota_exceeded - 0', 'more than the quota is refused as ever';
is asks(0, 95), 'quota_exceeded lent 1', 'what would fit with the units that are lent calls them back';
call(end => 1);
is asks(0, 95), 'pass - 0', 'and fits then';

lends({ plan => 'hybrid', avail => 5 }, units => 6);
is asks(5, 95), 'pass - 0', 'a hybrid pays while it can';
is asks(5, 95), 'credits_exhausted lent 1', 'and has units called back where it can not';
call(end => 1);
is asks(5, 95), 'pass - 0', 'which it uses then';

# Where nothing is lent, and where it would not help.
lends({ avail => 5 }, credits => 0);
is asks(6), 'credits_exhausted - 0', 'without a lease there is nothing to call back';
lends({}, credits => 100);
$t->r('HSET', $wallet, owed => 1);
is asks(750), 'credits_exhausted - 0', 'nor where the account owes';
$t->r('HSET', $wallet, owed => 0, state => 'suspended');
is asks(750), 'account_suspended - 0', 'nor where something else refuses';

done_testing;
