#!/usr/bin/perl
# The proof compares pockets: what the wallet has of credits that end or are for
# some features is what their grants have left, whatever is on its way.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Tollgate::Gate;
use Tollgate::Hold;
use Tollgate::Story;

my $t = Tollgate::Story->new;
$t->redis;
$t->postgres;
$t->worker('settle.idle_ms' => 5, 'worker.roles' => 'settle mirror jobs api');
$t->load_demo;

my $c = $t->customer(credits => '100');
my $wallet = Tollgate::wallet_key($c->{account});

sub grant {
    my (%terms) = @_;

    $t->must('POST', "/api/accounts/$c->{account}/credits", { credits => '10', %terms });

    return;
}

sub pay {
    my ($cost, %opt) = @_;

    return gate($t, $c->{account}, { key => $c->{key}, cost => $cost * 1_000_000, %opt });
}

sub holds {
    my ($what) = @_;

    my $proof = $t->verified;
    ok $proof->{ok}, "nothing is wrong $what" or diag explain $proof;

    return;
}

sub role {
    my ($name) = @_;

    my ($pid) = grep { $t->slurp("/proc/$_/comm") =~ /^$name/ }
        $t->children('worker');

    return $pid;
}

kill 'STOP', role('mirror');
grant(expires_in => '30d', priority => 10);
grant(features => ['image.generate']);
grant(features => ['image.generate'], credits => '5');
holds('while grants wait to be carried');
kill 'CONT', role('mirror');
$t->mirrored;
$t->settled;
like $t->r('HGET', $wallet, 'pocket'), qr{^\d+ 25000000 10/\d+/\* 10000000},
    'the wallet has pockets';
holds('with pockets');

kill 'STOP', role('settle');
is pay(4)->{verdict}, 'pass', 'a request takes of one';
is pay(9, feature => 'image.generate')->{verdict}, 'pass', 'and of two';
is hold($t, $c->{account}, $c->{key}, 'a' x 32, 7_000_000, feature => 'image.generate')->{verdict},
    'pass', 'some of it is held';
holds('while none of that is settled');
kill 'CONT', role('settle');
$t->settled;
holds('when it is settled, and something is held');
commit($t, $c->{account}, 'a' x 32, 2_000_000);
holds('when it was committed for less');
$t->settled;
holds('in the end');

my %was = @{ $t->r('HGETALL', $wallet) };
$t->r('HSET', $wallet, 'pocket', $was{pocket} =~ s/(\d+)000000\b(?=[ \d]*$)/${1}000001/r);
my ($first) = @{ $t->verified->{differences} };
is $first->{reason}, 'pockets', 'a pocket that was changed by hand is found';
cmp_ok $first->{redis}, '>', $first->{ledger}, 'with both sides';
$t->r('HSET', $wallet, 'pocket', $was{pocket});
holds('when it is put right');
$t->sql(q{update credit_grant set remaining = remaining + case when pocket = '-' then -1 else 1 end
          where id in (select distinct on (pocket = '-') id from credit_grant where account = $1 and remaining > 1
                       and remaining + lapsed < amount)}, $c->{account});
is +(map { $_->{reason} } @{ $t->verified->{differences} })[0], 'pockets',
    'grants of the ledger that burnt others than the edge are found';

done_testing;
