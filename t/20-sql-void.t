#!/usr/bin/perl
# Requests whose reply was lost: refunded once if they were charged, whichever of
# the two events comes first.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Tollgate;
use Tollgate::Books;

my $b = Tollgate::Books->begin;

sub commands {
    my ($account) = @_;

    return $b->sql('select string_agg((delta / 1000000)::text, \' \' order by no)
        from command where account = $1 and delta <> 0', $account);
}

sub void_of {
    my ($id) = @_;

    return $b->sql('select credits / 1000000 from void_request
                    where request_id = $1 and resolved_at is not null', $id);
}

my $account = $b->account(100);
$b->settle([charge => $account, 2, 10, id => 'first', units => 3]);
$b->settle([void => $account, 3, 0, id => 'first']);
is $b->balance($account), 100, 'a void after its charge gives the credits back';
is commands($account), '100 10', 'by a command to the edge';
is void_of('first'), 10, 'and is done with';
is $b->sql(q{select kind from ledger_txn order by id desc limit 1}), 'void',
    'with a transaction of its own';
$b->settle([void => $account, 4, 0, id => 'first']);
$b->sql('select job.voids_resolve(lib.now())');
is $b->balance($account) . ' ' . commands($account), '100 100 10',
    'a second void of the request changes nothing';
is $b->sql(q{select used from quota_usage where account = $1 and "window" = 'day'},
           $account), 0, 'units of quota come back, once';
like $b->sql(q{select set_fields ->> 'units' from command where account = $1
    order by no desc limit 1}, $account), qr/^3 \d+ \d+$/, 'at the edge too';

$account = $b->account(100);
$b->settle([void => $account, 2, 0, id => 'later'],
           [charge => $account, 3, 10, id => 'later']);
is $b->balance($account), 100, 'so does a void before its charge in one batch';

$account = $b->account(100);
$b->settle([void => $account, 2, 0, id => 'split']);
is commands($account), 100, 'a void without a charge gives nothing';
$b->settle([charge => $account, 3, 10, id => 'split']);
is $b->balance($account) . ' ' . commands($account), '100 100 10',
    'until the charge comes with another batch';

$account = $b->account(100);
$b->settle([charge => $account, 2, 10, id => 'twice'],
           [refund => $account, 3, 10, id => 'twice'],
           [void => $account, 4, 0, id => 'twice']);
is $b->balance($account) . ' ' . commands($account), '100 100',
    'what the edge refunded is not given back again';
is void_of('twice'), 0, 'and the void is done with';

$account = $b->account(100);
$b->settle([charge => $account, 2, 0, id => 'free', units => 1],
           [void => $account, 3, 0, id => 'free']);
is commands($account), 100, 'a request that cost nothing needs no command';

$account = $b->account(100);
$b->settle([charge => $account, 2, 0, id => 'more', units => 5],
           [charge => $account, 3, 10, id => 'odd', units => 3],
           [refund => $account, 4, 0, id => 'more', units => 7]);
is $b->settle([void => $account, 5, 0, id => 'odd']), 1,
    'a void is posted where more units came back than were used';
is $b->balance($account) . ' ' . $b->sql(q{select used from quota_usage
    where account = $1 and "window" = 'day'}, $account), '100 0', 'and none is below 0';

# Nobody was charged; ten minutes later nobody looks any more.
$account = $b->account(100);
$b->settle([void => $account, 2, 0, id => 'never']);
$b->sql('select job.voids_resolve(lib.now())');
is $b->sql(q{select count(*) from void_request where request_id = 'never'
    and resolved_at is null}), 1, 'a void waits for its charge';
$b->sql(q{select lib.clock_freeze(now() + interval '11 minutes')});
is $b->sql(q{select job.voids_resolve(lib.now()) ->> 'not_charged'}), 1,
    'for ten minutes';
$b->settle([charge => $account, 3, 10, id => 'never']);
is $b->balance($account) . ' ' . commands($account), '100 100 10',
    'a charge that comes even later is still given back';

is $b->sql(q{select ledger.verify_totals() ->> 'ok'}), 'true',
    'grants, balances and entries agree';
is $b->sql('select count(*) from account where state <> \'active\''), 0,
    'and nobody was frozen';

done_testing;
