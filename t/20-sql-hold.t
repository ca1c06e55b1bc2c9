#!/usr/bin/perl
# What settle makes of holds and their ends: charges, and what is owed beyond
# them, which a top-up pays.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Tollgate;
use Tollgate::Books;

my $b = Tollgate::Books->begin;
my $account = $b->account(100);
my $seq = 1;

sub settle { return $b->settle(map { [$_->[0], $account, ++$seq,
                                      @$_[1 .. $#$_]] } @_) }

sub explained {
    return join ' ', map { "$_->[0]:$_->[1]" } $b->sql(
        q{select x ->> 'kind', x ->> 'credits' from
          jsonb_array_elements(api.request_ledger($1)) x}, $_[0]);
}

sub unpaid {
    return join ' ', scalar $b->sql(q{select lib.credits(ledger.unpaid($1))}, $account),
        map { "$_->[0]:$_->[1]:$_->[2]" } $b->sql(
            q{select request_id, state, credits / 1000000 from unpaid_use
              where account = $1 order by id}, $account);
}

# The commands that take what is owed, as the wallet would get them.
sub takes {
    return map { [$_->[0], split / /, $_->[1]] } $b->sql(
        q{select set_fields ->> 'owed', set_fields ->> 'take' from command
          where account = $1 and set_fields ? 'take' order by no}, $account);
}

sub sound { return $b->sql(q{select ledger.verify_totals() ->> 'ok'}) }

# Held, and committed.
is settle([hold => 30, id => 'a']), 1, 'a hold is settled';
is $b->balance($account), 100, 'and charges nothing';
is settle([commit => 12, id => 'a', hold => 30]), 1, 'so is its commit';
is $b->balance($account), 88, 'which is charged';
is explained('a'), 'hold:30 commit:12', 'a request tells of both';
is settle([hold => 30, id => 'b'], [release => 30, id => 'b'],
          [hold => 20, id => 'c'], [expired => 20, id => 'c'],
          [late => 5, id => 'c']), 5, 'releases and expiries are settled';
is $b->balance($account), 83, 'and only the late commit is charged';
is explained('c'), 'hold:20 expired:20 late:5', 'the request tells all of it';
is $b->sql(q{select sum(expired) from stream_cursor}), 1, 'the expiry is counted';
is sound(), 'true', 'and the books balance';

# More than there was.
is settle([hold => 40, id => 'd'], [commit => 83, id => 'd', hold => 40],
          [owed => 7, id => 'd'], [waived => 2, id => 'd']), 4,
    'a commit of all that there was is settled';
is $b->balance($account), 0, 'the wallet has nothing left';
is unpaid(), '7 d:open:7', 'what it came to beyond is owed';
is explained('d'), 'hold:40 commit:83 owed:7 waived:2 unpaid:7',
    'the request tells what became of it';
is sound(), 'true', 'and the books balance';
is takes(), 0, 'nothing is taken of an empty wallet';
is $b->call_error('credit_grant', { account => $account, credits => '5' }),
    'none', 'a top-up that is too small';
is takes(), 0, 'pays nothing';

my $top_up = sub {
    $b->call('credit_grant', { account => $account, credits => $_[0] });
    $b->applied($account);
    return map { [command => $_->[1] / 1e6, cmd => $_->[0]] } $b->sql(
        q{select no, delta from command c where account = $1 and delta > 0
          and no > (select last_cmd from account_cursor a
                    where a.account = c.account) order by no}, $account);
};
my @commands = $top_up->('6');
is scalar @commands, 2, 'the next one';
my ($take) = takes();
is "$take->[0] $take->[2]", '7000000 7000000', 'pays all of it by a command';
is unpaid(), "7 d:charging:7", 'which is under way';
is settle(@commands, [charge => 7, id => $take->[1], feature => '-']), 3,
    'the wallet has paid';
is unpaid(), '0 d:charged:7', 'and nothing is owed';
is $b->balance($account), 4, 'the rest is there to be used';
is scalar(takes()), 1, 'once';
is sound(), 'true', 'and the books balance';

# The wallet had less by then than was known here.
settle([hold => 1, id => 'e'], [commit => 4, id => 'e', hold => 1],
       [owed => 3, id => 'e'], [owed => 1, id => 'f']);
@commands = $top_up->('3');
is unpaid(), '4 d:charged:7 e:charging:3 f:open:1', 'the oldest are paid first';
(undef, $take) = takes();
is settle(@commands, [charge => 1, id => 'g'],
          [charge => 0, id => $take->[1], feature => '-']), 3,
    'a wallet that has not so much pays nothing';
is unpaid(), '4 d:charged:7 e:open:3 f:open:1', 'and owes on';
is scalar(takes()), 2, 'it is not asked again before there is more';
is settle([refund => 1, id => 'g']), 1, 'when there is';
is scalar(takes()), 3, 'it is';
my (undef, undef, $third) = takes();
is settle([charge => 3, id => $third->[1], feature => '-']), 1, 'and pays';
is unpaid(), '1 d:charged:7 e:charged:3 f:open:1', 'what it can';
is $b->call('unpaid_forgive', { account => $account })->{credits}, '1',
    'the rest is forgiven';
is $b->sql(q{select set_fields from command where account = $1
             order by no desc limit 1}, $account), '{"owed": "1000000"}',
    'at the edge too';
is sound(), 'true', 'and the books balance';

# What can't be.
for my $bad ([hold => 5, held => 4], [hold => 1, held => 0], [release => 1],
             [owed => 1, held => 1, avail => 99], [commit => 1, held => 1],
             [expired => 1, held => 0, avail => 101], [waived => 1, avail => 99]) {
    my $other = $b->account(100);
    my ($kind, $credits, %opt) = @$bad;
    is $b->settle([$kind, $other, 2, $credits, %opt]), 0,
        "$kind @{[%opt]} is refused";
    is $b->state($other), 'frozen', 'and freezes the account';
}

done_testing;
