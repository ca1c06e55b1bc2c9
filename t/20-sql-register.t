#!/usr/bin/perl
# Events that pass the register's arithmetic and still can't be true never stop a
# stream; and what the ledger knows for the proof.

use strict;
use warnings;

use lib 't/lib';
use JSON::PP;
use Test::More;
use Tollgate;
use Tollgate::Books;

my $b = Tollgate::Books->begin;
my $bystander = $b->account(100);
my $seq = 1;

# The bystander is charged in each of the batches.
sub frozen_by {
    my ($what, $account, @events) = @_;

    is $b->settle(@events, [charge => $bystander, ++$seq, 1]), 1,
        "$what is not posted, and holds nobody else up" or diag $b->{answer};
    is $b->state($account), 'frozen', "$what freezes its account";
    is $b->sql('select reason from suspense_event where account = $1
                order by id limit 1', $account), $what, 'with the reason';

    return;
}

my $a = $b->account(100);
my $cmd = $b->sql('select max(no) from command where account = $1', $a);
frozen_by('a command for the second time', $a, [command => $a, 2, 100, cmd => $cmd]);

$a = $b->account(100);
$b->{avail}{$a} = 200_000_000;
$b->sql('update account_cursor set last_avail = 200000000 where account = $1', $a);
frozen_by('more than the ledger has', $a, [charge => $a, 2, 150]);
is $b->balance($a), 100, 'the balance stays what it was';

$a = $b->account(10);
frozen_by('a negative balance', $a, [charge => $a, 2, 20]);

$a = $b->account(0);
frozen_by('more than the ledger has', $a, [refund => $a, 1, 10]);

$a = $b->account(10);
frozen_by('malformed', $a, [gift => $a, 2, 0]);

is $b->balance($bystander), 95, 'the bystander paid each time';

# The ledger's side of the proof.
my $c = $b->account(100);
$b->call('credit_grant', { account => $c, credits => '5' });
my $sides = q{select balance, avail, commands from ledger.verify_sides(array[$1, $2])};
my ($side, $other) = $b->sql($sides, $c, $bystander);
is $side->[0], 105000000, 'a grant is in the balance at once';
like $side->[2], qr/^\d+:5000000$/, 'its command counts until its event is settled';
is $side->[1], 100000000, 'the register is where the last event left it';
is_deeply $other, [95000000, 95000000, undef], 'other accounts are told of in their order';
$b->settle([command => $c, 2, 5, cmd => $side->[2] =~ s/:.*//r]);
is +($b->sql($sides, $c, $bystander))[0][2], undef, 'and no more then';
is_deeply [$b->sql($sides, 'Nobody0000', 'nobody1111')], [], 'of an unknown account nothing';

# What Redis refuses.
$b->call('credit_grant', { account => $c, credits => '1' });
$b->call('credit_grant', { account => $c, credits => '1' });
my ($first) = map { $_->[1] } grep { $_->[0] eq $c }
    $b->sql('select account, no from mirror.pending(1000)');
$b->sql('select mirror.refused($1, $2, -2)', $c, $first);
is $b->state($c), 'frozen', 'a refused command freezes the account';
is $b->sql('select count(*) from mirror.pending(1000) where account = $1', $c), 0,
    'and holds back those after it';
is $b->sql(q{select count(*) from alert where kind = 'command_refused'
    and account = $1}, $c), 1, 'with an alert';

my $d = $b->account(10);
$b->call('credit_grant', { account => $d, credits => '1' });
$b->sql('select mirror.refused($1, (select max(no) from command where account = $1), -1)', $d);
is $b->state($d), 'active', 'one that misses those before it does not';
is $b->sql('select reason from recovery where account = $1 and done_at is null', $d),
    'commands_lost', 'the wallet is to be made again';
is $b->sql('select count(*) from mirror.pending(1000) where account = $1', $d), 0,
    'and gets no commands until it is';

# Pages of a shard have its accounts and no others, in order.
$b->sql(q{insert into account (id, shard, name, created_at)
          select rpad(id, 10, '0'), shard, 'Page', lib.now()
          from (values ('0page', 62), ('Apage', 63), ('Bpage', 63), ('Zpage', 63), ('zpage', 64), ('0next', 64)) n (id, shard)});
$b->sql(q{insert into account_cursor (account, last_seq) select id, 1 from account where name = 'Page'});
my $page = sub {
    return join ' ', grep { /page|next/ } map { $_->[0] =~ s/0+$//r } $b->sql('select account from ledger.recover_accounts(63, $1, $2)', @_);
};
is $page->('', 1000), 'Apage Bpage Zpage', 'a page has the accounts of its shard';
is $page->('Apage00000', 1), 'Bpage', 'behind the one before';
is $b->sql(q{select ledger.recover_shard(63, 'rebuild', 'Apage00000', 1)}), 'Bpage00000', 'a page is to be made again';
is $page->('', 1000), 'Apage Zpage', 'and is not looked at meanwhile';
is $b->sql(q{select ledger.recover_shard(63, 'rebuild', 'zpage00000', 1000)}), undef, 'behind the last there is none';
is $b->sql(q{select string_agg(account, ' ') from recovery where account ~ 'page|next'}), 'Bpage00000', 'others are not';

is $b->sql('select ledger.cursor($1)', 'tg:{9}:ledger'), '0-0',
    'a stream begins at 0-0';

done_testing;
