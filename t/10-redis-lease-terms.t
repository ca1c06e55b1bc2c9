# lease.lua: to whom it lends, how much, and what it leaves to the gate.

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

my ($n, $no, $account, $wallet, $key, $id) = (0);

# A new account with a key, each with such fields.
sub fresh {
    my ($fields, $record) = @_;

    ($account, $no) = (sprintf('Terms%05d', ++$n), 0);
    $wallet = Tollgate::wallet_key($account);
    $t->wallet($account, avail => 1600, %{ $fields // {} });
    $key = $t->key($account, id => $id = sprintf('key_%010d', $n), %{ $record // {} });

    return { account => $account, key => $key };
}

# What is answered and lent; nothing is written where nothing is lent.
sub asks {
    my ($entry, %more) = @_;

    my $before = snapshot($t, $account);
    my $got = lease($t, { %$entry, no => $no, credits => 80, %more });
    $no = $got->{no};
    my $lent = join ' ', @$got{qw(credits units key_tokens app_tokens)};
    fail "$account was written" if !$got->{no} && snapshot($t, $account) ne $before;

    return "$got->{answer}: $lent";
}

is asks(fresh()), 'ok: 80 0 0 0', 'an account of plain credits gets what it wants';

# As the gate would refuse its requests.
my $soon_ms = 1000 * (time + 30);
my @refused = (
    [{}, { state => 'revoked' }], [{}, { state => 'paused' }], [{}, { expires_ms => 1000 }],
    [{ state => 'suspended' }], [{ state => 'frozen' }], [{}, { app_state => 'suspended' }],
    [{ plan => 'none' }],
);
for my $case (@refused) {
    my $entry = fresh(@$case);
    my $verdict = gate($t, $account, { key => $key, cost => 1 })->{verdict};
    is asks($entry), "$verdict: 0 0 0 0", "who is refused by $verdict gets none";
}
my $entry = fresh();
is asks({ %$entry, key => 'other' }), 'key_unknown: 0 0 0 0', 'nor who has no key';
is asks({ %$entry, key_id => 'key_x' }), 'key_unknown: 0 0 0 0', 'or that of another one';

# What the gate decides of each request.
$t->plan('limits', limits => '1 a requests 9 day calendar account * refuse -');
$t->plan('quota', mode => 'subscription', day => 1600, month => 3200);
$t->plan('year', mode => 'subscription', day => 1600, align => 'anniversary');
$t->plan('tight', key_rate => 1000, key_burst => 7);
$t->plan('rates', key_rate => 3_600_000_000, key_burst => 40, app_rate => 3_600_000_000, app_burst => 20);
my $limit = '1 a credits 9 life - account * refuse -';
my @strict = (
    ['rules of the key', {}, { rules => 'method GET' }], ['a key that expires soon', {}, { expires_ms => $soon_ms }],
    ['limits of the account', { l => $limit }], ['limits of the app', { 'l:app_0000000001' => $limit }],
    ['limits of the plan', { plan => 'limits' }], ['pockets', { pocket => '0 9 9/0/* 9 0' }],
    ['grants to come', { later => '9000000000000 g1 5 -' }], ['a low balance', { low => '50' }],
    ['what is owed', { owed => 1 }], ['a call for what is lent', { recall => 1 }],
    ['a time zone', { plan => 'quota', zone => '3600' }], ['anniversaries', { plan => 'year' }],
    ['small bursts', { plan => 'tight' }],
);
for my $case (@strict) {
    my ($what, @fields) = @$case;
    is asks(fresh(@fields), units => 9), 'strict: 0 0 0 0', "$what are the gate's affair";
}
$entry = fresh();
$t->r('HSET', $wallet, "l:$id", $limit);
is asks($entry), 'strict: 0 0 0 0', 'and so are limits of the key';
is asks(fresh({ zone => '3600' })), 'ok: 80 0 0 0', 'a time zone without quotas is not';

# As the account changes a host gets no more, and has what it has until it ends it.
$entry = fresh();
asks($entry);
$t->r('HSET', $wallet, state => 'suspended');
is asks({ %$entry, key_id => $id, epoch => 1 }), 'account_suspended: 0 0 0 0', 'a suspension is told';
is wallet_fields($t, $account, qw(avail held)), '1520 80', 'before it is ended nothing returns';

# Towards the end of a balance.
is asks(fresh(), credits => 800), 'ok: 200 0 0 0', 'an eighth of what there is is lent at most';
is asks(fresh(), credits => 801), 'strict: 0 0 0 0', 'and nothing where that is under a quarter of what is wanted';
is asks(fresh(), credits => 0), 'ok: 0 0 0 0', 'who wants nothing may have a lease of it';

# Quotas.
my $used = sub { wallet_fields($t, $account, qw(day_used month_used held)) };
$entry = fresh({ plan => 'quota' });
is asks($entry, units => 60), 'ok: 0 60 0 0', 'units are lent to a subscription, and no credits';
is $used->(), '60 60 0', 'which count as used';
my %of = (%$entry, key_id => $id, epoch => 1);
my $got = lease($t, { %of, no => $no, back_units => 10, records => [1, item('r1', $id, 0, 20)] });
is $used->(), '50 50 0', 'what returns does not';
is record_of($t, $account, $id) =~ s/^\d+ (.*) \d+ \d+\z/$1/r, '0 30', 'what was used does';
is "$got->{day} $got->{day_left} $got->{month} $got->{month_left}", '1600 1550 3200 3150',
    'the answer tells what is left';
is((events($t, $account))[-1]{i}, item('r1', $id, 0, 20), 'the register lists units');
lease($t, { %of, no => $no + 1, records => [2, item('r2', $id, 0, 35)] });
is $used->(), '55 55 0', 'units beyond the lease count too';
lease($t, { %of, no => $no + 2, end => 1 });
$no = 0;
is asks($entry, units => 400), 'strict: 0 0 0 0', 'a sixteenth of what is left is lent at most';

$no = lease($t, { %$entry, units => 40 })->{no};
my ($day, $month) = @{ $t->r('HMGET', $wallet, qw(day month)) };
$t->r('HSET', $wallet, "o:$id:$Tollgate::Lease::HOST", "$no 0 40 " . ($day - 86400) . " $month");
is asks(\%of), 'strict: 0 0 0 0', 'units of a day that is over have to return';
lease($t, { %of, no => $no, end => 1 });
is $used->(), '95 55 0', 'to the windows that still last';

$t->plan('hybrid', mode => 'hybrid', day => 1600, month => 3200);
is asks(fresh({ plan => 'hybrid' }), units => 60), 'ok: 0 60 0 0', 'a hybrid gets units while there are some';
my %now = (day => $day, month => $month, month_used => 0);
is asks(fresh({ plan => 'hybrid', %now, day_used => 1600 }), units => 60), 'ok: 80 0 0 0', 'then credits';
is asks(fresh({ plan => 'hybrid', %now, day_used => 1590 }), units => 60), 'strict: 0 0 0 0', 'and is strict between';
is asks(fresh({ plan => 'quota', %now, day_used => 1600 }), units => 6), 'strict: 0 0 0 0', 'a quota ends strictly';

# Rates: tokens are requests that come at once.
$entry = fresh({ plan => 'rates' });
is asks($entry, key_tokens => 30, app_tokens => 3), 'ok: 80 0 10 3', 'a quarter of a burst is lent at most';
$got = gate($t, $account, { key => $key });
is "$got->{key_left} $got->{app_left}", '29 16', 'and gone for others';
gate($t, $account, { key => $key }) for 1 .. 16;
is asks({ %$entry, key_id => $id, epoch => 1 }, key_tokens => 9, app_tokens => 9), 'ok: 80 0 9 0',
    'no more than there are';
is asks({ %$entry, key_id => $id, epoch => 1 }, key_tokens => 9), 'ok: 80 0 4 0', 'of either';

done_testing;
