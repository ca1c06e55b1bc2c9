#!/usr/bin/perl
# What the database itself holds against anyone: zero sums, insert only, no
# balance below zero, and the rights of the worker's role.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Tollgate;
use Tollgate::Books;

my $b = Tollgate::Books->begin;
my $account = $b->account(100);
my $wallet = $b->sql('select ledger.wallet($1)', $account);
my $issued = $b->sql('select ledger.system_account(\'issued\')');

sub state_of {
    my ($text, @params) = @_;

    my $error = $b->sql_error($text, @params);

    return $error ? $error->{state} : 'none';
}

sub entries {
    my ($key, @amounts) = @_;

    my $n = 0;
    my $rows = join ', ', map { '(' . ++$n . ", $_->[0], $_->[1])" } @amounts;

    return "with t as (insert into ledger_txn (key, kind, account, at)
                       values ('$key', 'grant', '$account', lib.now()) returning id)
            insert into ledger_entry (txn, n, ledger_account, amount)
            select t.id, e.* from t, (values $rows) e";
}

is state_of(entries('one', [$wallet, 5])), '23514',
    'an entry alone is refused';
is state_of(entries('off', [$wallet, 5], [$issued, -4])), '23514',
    'entries that do not sum to zero are refused';
is state_of(entries('low', [$wallet, -100_000_001], [$issued, 100_000_001])),
    '23514', 'a wallet can not go below zero';
is state_of(entries('zero', [$wallet, 0], [$issued, 0])), '23514',
    'an entry of nothing is refused';
is $b->balance($account), 100, 'none of it moved the balance';
is $b->sql('select count(*) from ledger_txn'), 1, 'or left a transaction';
is state_of(entries('two', [$wallet, 7], [$issued, -7])), 'none',
    'entries that do are taken';
is $b->balance($account), '100.000007', 'and move the balance';
is state_of(entries('two', [$wallet, 7], [$issued, -7])), '23505',
    'once for each key';

for my $table (qw(ledger_txn ledger_entry audit_log plan_version)) {
    is state_of("delete from $table"), '42501', "nothing is removed from $table";
    is state_of("truncate $table cascade"), '42501', "not even all of $table";
}
is state_of('update ledger_entry set amount = 1'), '42501',
    'an entry never changes';
is state_of('update ledger_txn set at = now()'), '42501',
    'nor does a transaction';

my $worker = 'set role tollgate_worker;';
for my $case (
    ['delete from ledger_entry', 'remove entries'],
    ['update ledger_txn set key = key', 'change transactions'],
    ['update ledger_balance set balance = 1', 'set a balance'],
    ['insert into ledger_balance values (1, 1)', 'invent a balance'],
    ['update credit_grant set amount = 1', 'change what was granted'],
    ['update command set delta = 1', 'change a command'],
    ['delete from account', 'remove accounts'],
    ['update job_run set summary = null', 'change the record of runs'],
    ['update setting set value = 1', 'change settings'],
    ['select lib.clock_freeze(now())', 'stop the clock'],
    ['alter table ledger_entry disable trigger all', 'switch rules off'],
    ['create table public.x (n int)', 'make tables'],
    ['drop function lib.now()', 'drop functions'],
    ['create temp table t (txn bigint, ledger_account bigint, amount bigint);
      create trigger t after insert on t referencing new table as new_entries
      for each statement execute function ledger_entry_post()', 'have balances written'],
) {
    is state_of("$worker $case->[0]"), '42501', "the worker can not $case->[1]";
}
is state_of("$worker select api.credit_grant(jsonb_build_object('account',
    '$account', 'credits', '1'))"), 'none', 'but it can do its work';
is state_of("$worker select job.partitions_make(lib.now())"), 'none',
    'and have partitions made';

is $b->sql(q{select string_agg(f.oid::regprocedure::text, ', ') from pg_proc f
    join pg_namespace n on n.oid = f.pronamespace
    where n.nspname in ('lib', 'ledger', 'mirror', 'job', 'api')
    and obj_description(f.oid) is null}), undef, 'each function has a comment';

done_testing;
