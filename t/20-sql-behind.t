#!/usr/bin/perl
# What a restored ledger takes over from the register: credits of commands that it
# forgot, in the pockets that they are used from, each once, and no more.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Tollgate;
use Tollgate::Books;

my $b = Tollgate::Books->begin;
my $POCKET = '10/4102444800000/video.*';

my $last;

# An account whose commands after the last one were forgotten, so many.
sub account {
    my ($forgotten) = @_;

    my $id = $b->account(100);
    $last = $b->sql('select command_no from account_cursor where account = $1', $id);
    $b->sql('insert into command_forgotten values ($1, $2, $3, now())', $id, $last, $last + $forgotten)
        if $forgotten;
    $b->sql('update account_cursor set command_no = $2 where account = $1', $id, $last + $forgotten);

    return $id;
}

sub pockets {
    return $b->sql(q{select string_agg(pocket || ' ' || sum / 1000000, ', ' order by pocket)
        from (select pocket, sum(remaining)::bigint as sum from credit_grant where account = $1 group by pocket) p}, $_[0]);
}

my $account = account(0);
is $b->settle([command => $account, 2, 50, cmd => $last + 1]), 0, 'a command that nobody gave is a fault';
is $b->state($account), 'frozen', 'and freezes its account';

$account = account(2);
is $b->settle([command => $account, 2, 50, cmd => $last + 1]), 1, 'one that was forgotten is taken over';
is $b->balance($account), '150', 'with its credits';
is $b->settle([command => $account, 2, 50, cmd => $last + 1]), 0, 'once';
is $b->balance($account), '150', 'however often it comes';
is $b->settle([charge => $account, 3, 30, pockets => $POCKET]), 1, 'what it gave may have had terms';
is pockets($account), "- 120, $POCKET 0", 'which the register tells when it is used';
is scalar $b->sql(q{select priority || ' ' || expires_at::date || ' ' || features::text from credit_grant
    where account = $1 and pocket <> '-'}, $account), '10 2100-01-01 {video.*}', 'they are those of a grant then';
is $b->settle([charge => $account, 4, 15, pockets => "$POCKET=10000000,-=5000000"]), 1, 'again';
is pockets($account), "- 105, $POCKET 0", 'and beside plain ones';
is $b->settle([charge => $account, 5, 106, pockets => $POCKET]), 0, 'but never more than there is';
is $b->state($account), 'frozen', 'that is a fault';
is $b->sql('select ledger.verify_totals() ->> $1', 'ok'), 'true', 'the ledger adds up';

$account = account(0);
is $b->settle([charge => $account, 2, 30, pockets => $POCKET]), 0, 'an account that forgot nothing has no such pocket';
is $b->state($account), 'frozen', 'and is frozen';

$account = account(1);
is $b->settle([command => $account, 2, 50, cmd => $last + 2]), 0, 'a number beyond those that were forgotten is a fault';
is $b->sql('select ledger.verify_totals() ->> $1', 'ok'), 'true', 'the ledger adds up';

done_testing;
