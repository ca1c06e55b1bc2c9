#!/usr/bin/perl
# Granting credits: amounts that are none, requests that come twice, and what the
# statement shows.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Tollgate;
use Tollgate::Books;

my $b = Tollgate::Books->begin;
my $account = $b->account(0);

sub grants { return scalar $b->sql('select count(*) from credit_grant') }

for my $bad ('-5', '0', '', 'ten', '1e3', '1.0000001', '.5', '5.', ' 5', '+5',
             '9007199254.740992', '99999999999999999999', 'NaN', JSON::PP::true,
             [1], { a => 1 }, undef) {
    my $shown = defined $bad ? ref $bad ? ref $bad : "\"$bad\"" : 'nothing';
    is $b->call_error('credit_grant', { account => $account, credits => $bad }),
        'PT422 invalid_argument', "$shown is no amount of credits";
}
is $b->call_error('credit_grant', { account => $account, credits => '1',
                                    source => 'gift' }),
    'PT422 invalid_argument', 'a source has to be known';
is $b->call_error('credit_grant', { account => $account, credits => '1',
                                    source => 'daily' }),
    'PT422 invalid_argument', 'and one that people grant from';
is $b->call_error('credit_grant', { account => $account, credits => '1',
                                    note => "a\nb" }),
    'PT422 invalid_argument', 'a note is one line';
is $b->call_error('credit_grant', { account => 'Nobody0000', credits => '1' }),
    'PT404 account_not_found', 'an account has to exist';
is $b->call_error('credit_grant', { credits => '1' }),
    'PT404 account_not_found', 'and be named';
is grants(), 0, 'nothing was granted';

my %request = (account => $account, credits => '12.5', source => 'purchase',
               note => 'เติมเงิน', _idempotency_key => 'abc');
my $first = $b->call('credit_grant', \%request);
is_deeply [@$first{qw(account credits source balance)}],
    [$account, '12.5', 'purchase', '12.5'], 'a grant is answered';
$b->call('credit_grant', { account => $account, credits => '1' });
is_deeply $b->call('credit_grant', \%request), $first,
    'the same request again gets the same answer';
is grants(), 2, 'and grants nothing';
is $b->call_error('credit_grant', { %request, credits => '13' }),
    'PT422 idempotency_mismatch', 'another request with that key is refused';
my $other = $b->account(0);
is $b->call('credit_grant', { %request, account => $other })->{balance}, '12.5',
    'keys of one account mean nothing to another';

# 2^53 - 1 micro-credits is the most that Redis counts exactly.
my $rich = $b->account(0);
is $b->call('credit_grant', { account => $rich, credits => '9007199254.740991' })
    ->{balance}, '9007199254.740991', 'a wallet holds up to 2^53 - 1';
is $b->call_error('credit_grant', { account => $rich, credits => '0.000001' }),
    'PT422 balance_too_large', 'and not more';

my @commands = $b->sql('select no, delta from command where account = $1
                        order by no', $account);
is_deeply \@commands, [[1, 0], [2, 12_500_000], [3, 1_000_000]],
    'each grant is one command, in order';

# The statement.
$b->applied($account);
$b->settle([command => $account, 1, 12.5, cmd => 2],
           [command => $account, 2, 1, cmd => 3]);
$b->settle([charge => $account, 3, 3]);
my $statement = $b->call('ledger_statement', { account => $account });
is_deeply [@$statement{qw(account currency opening closing)}],
    [$account, 'CREDIT', '0', '10.5'], 'a statement opens at 0 and closes';
is_deeply [map { "$_->{kind} $_->{amount} $_->{balance}" } @{ $statement->{data} }],
    ['grant 12.5 12.5', 'grant 1 13.5', 'usage -3 10.5'],
    'with each movement and the balance after it';
my $page = $b->call('ledger_statement', { account => $account, limit => 2 });
ok $page->{has_more}, 'a page says that there is more';
my $rest = $b->call('ledger_statement', { account => $account, limit => 2,
                                          cursor => $page->{next_cursor} });
is_deeply [map { $_->{id} } @{ $page->{data} }, @{ $rest->{data} }],
    [map { $_->{id} } @{ $statement->{data} }], 'pages join to the whole';
is $rest->{data}[0]{balance}, '10.5', 'with balances that go on';
ok !$rest->{has_more} && !defined $rest->{next_cursor}, 'and end';
my $later = $b->call('ledger_statement', { account => $account,
                                           from => '2999-01-01' });
is "$later->{opening} $later->{closing} " . @{ $later->{data} }, '10.5 10.5 0',
    'a time without movements opens and closes the same';

is_deeply [$b->sql(q{select type, amount from credit_transactions
    where user_id = $1 order by id}, $account)],
    [['grant', 12_500_000], ['grant', 1_000_000], ['usage', -3_000_000]],
    'credit_transactions lists the same';
is $b->sql('select balance from user_credits where user_id = $1', $account),
    10_500_000, 'and user_credits has the balance';

done_testing;
