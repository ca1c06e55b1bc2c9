#!/usr/bin/perl
# The worker settles holds and their ends, ends those that ran out, and has what
# is owed paid by a top-up; the proof counts what is held.

use strict;
use warnings;

use lib 't/lib';
use Cli;
use Test::More;
use Tollgate::Gate;
use Tollgate::Hold;
use Tollgate::Story;

my $t = Tollgate::Story->new;
$t->redis;
$t->postgres;
$t->worker('settle.idle_ms' => 20);
$t->load_demo;
my $cli = Cli->new($t, "$t->{dir}/admin.sock");

sub fields { return wallet_fields($t, $_[0]{account}, qw(avail held owed)) }

sub hold_of {
    my ($c, $id, $credits, $ttl_ms) = @_;

    return hold($t, $c->{account}, $c->{key}, $id, $credits * 1e6,
                feature => 'video.view', ttl_ms => $ttl_ms // 600_000)->{verdict};
}

sub metric {
    my ($name) = @_;

    return ($t->api('GET', '/api/metrics'))[2]{body} =~ /^$name (\S+)/m ? $1 : '';
}

my ($c, $d) = map { $t->customer(credits => '100') } 1 .. 2;

# A hold that nobody ends.
hold_of($c, 'x1', 30, 1500);
is hold_of($c, 'x2', 20), 'pass', 'credits are held';
is fields($c), '50000000 50000000 -', 'for two requests';
$t->settled;
is metric('tollgate_held_credits'), 50, 'which a metric tells';
ok $t->verified->{ok}, 'the proof holds while they run';
$t->wait_for(sub { fields($c) =~ /^80000000 20000000 / }, 'a hold to run out');
is commit($t, $c->{account}, 'x2', 25_000_000), 1, 'the other is committed';
$t->settled;
is metric('tollgate_holds_expired_total'), 1, 'the one that ran out is counted';
is metric('tollgate_held_credits'), 0, 'nothing is held any more';
is $t->balance($c), '75', 'what was committed is charged';
is commit($t, $c->{account}, 'x1', 5_000_000), 1, 'a late commit';
$t->settled;
is $t->balance($c), '70', 'too';

# Two workers that end holds, many at once.
hold_of($d, "m$_", 0.1, 0) for 1 .. 450;
$t->wait_for(sub { fields($d) =~ /^100000000 0 / }, 'many holds to run out');
$t->settled;
is metric('tollgate_holds_expired_total'), 451, 'each of them once';

# More than there is, and a top-up.
hold_of($c, 'o1', 10);
commit($t, $c->{account}, 'o1', 80_000_000);
is fields($c), '0 0 10000000', 'what was lacking is owed';
$t->settled;
is $t->must('GET', "/api/accounts/$c->{account}")->{unpaid}, '10',
    'as the account tells';
like $cli->run('unpaid', 'list', $c->{account})->{out}, qr/\bo1\b/,
    'and the list of what is unpaid';
is hold_of($c, 'o2', 1), 'credits_exhausted', 'the next one is refused';
$t->must('POST', "/api/accounts/$c->{account}/credits", { credits => '25' });
$t->wait_for(sub { fields($c) eq '15000000 0 0' }, 'the top-up to pay');
$t->settled;
is $t->must('GET', "/api/accounts/$c->{account}")->{unpaid}, '0',
    'a top-up pays it';
is $t->balance($c), '15', 'once';
is hold_of($c, 'o2', 1), 'pass', 'and the next one passes';
commit($t, $c->{account}, 'o2', '-');

# What an operator does about it.
hold_of($c, 'p1', 10);
commit($t, $c->{account}, 'p1', 20_000_000);
$t->settled;
is $cli->run('unpaid', 'forgive', $c->{account})->{status}, 0,
    'an operator forgives';
$t->wait_for(sub { fields($c) eq '0 0 0' }, 'the wallet to be told');
is $t->must('GET', "/api/accounts/$c->{account}")->{unpaid}, '0',
    'what is forgiven is not owed any more';
ok $t->verified->{ok}, 'edge and ledger agree';

# An overdraft.
is $cli->run('accounts', 'update', $c->{account}, '--overdraft', '7.5')->{status},
    0, 'an account gets an overdraft';
$t->mirrored;
is wallet_fields($t, $c->{account}, 'overdraft'), 7_500_000, 'at the edge too';
is $t->must('GET', "/api/accounts/$c->{account}")->{overdraft}, '7.5',
    'and tells it';
for my $bad ('-1', 'x', '0.0000001') {
    is(($t->api('PUT', "/api/accounts/$c->{account}", { overdraft => $bad }))[0],
       422, "an overdraft of $bad is refused");
}
$t->must('PUT', "/api/accounts/$c->{account}", { overdraft => '0' });
$t->mirrored;
is wallet_fields($t, $c->{account}, 'overdraft'), '-', 'and loses it';

# A held that its records don't tell.
hold_of($d, 'q1', 10);
$t->settled;
$t->r('HDEL', Tollgate::wallet_key($d->{account}), 'h:q1');
my $proof = $t->verified;
is join(' ', map { @$_{qw(redis ledger reason)} } @{ $proof->{differences} }),
    '10 0 holds', 'the proof finds credits that are held for nobody';

done_testing;
