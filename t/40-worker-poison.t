#!/usr/bin/perl
# An event that Postgres can't take is found, set aside with its account, and
# holds up nobody else.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Tollgate::Gate;
use Tollgate::Story;

my $t = Tollgate::Story->new;
$t->redis;
$t->postgres;
$t->worker('settle.idle_ms' => 20);
$t->load_demo;

# All of one shard, so that they meet in one batch.
my ($bad, @good) = do {
    my %shards;
    my $found;
    until ($found) {
        my $c = $t->customer(credits => '100');
        my $list = $shards{ Tollgate::shard($c->{account}) } //= [];
        push @$list, $c;
        $found = $list if @$list == 2;
    }
    @$found;
};

$t->settled;
my $master = $t->{processes}{worker};
my ($settle) = grep { $t->slurp("/proc/$_/comm") =~ /^settle/ }
    split ' ', $t->slurp("/proc/$master/task/$master/children");

$t->sql(q{alter table charge add constraint poison check (request_id <> 'poison')});
kill 'STOP', $settle;
for my $n (1 .. 10) {
    gate($t, $_->{account}, { key => $_->{key}, cost => 1_000_000,
        id => $n == 5 && $_ == $bad ? 'poison' : "$_->{account}-$n" })
        for @good, $bad;
}
kill 'CONT', $settle;
$t->settled;

is $t->balance($good[0]), '90', 'others of the same batch are settled';
is $t->balance($bad), '96', 'what came before the event is settled too';
is $t->must('GET', "/api/accounts/$bad->{account}")->{state}, 'frozen',
    'its account is frozen';
is $t->must('GET', "/api/accounts/$good[0]{account}")->{state}, 'active',
    'and no other';
like $t->slurp('worker.log'),
    qr/entry \S+ of \S+ is malformed: the ledger can't take it/,
    'the log names the entry';
like $t->slurp('worker.log'), qr/account $bad->{account} is frozen/,
    'and the account';

my $proof = $t->verified;
is_deeply [map { $_->{account} } @{ $proof->{differences} }], [$bad->{account}],
    'the proof shows the account that is frozen, and no other';

done_testing;
