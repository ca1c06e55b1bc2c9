create or replace function ledger.unpaid_account(account text) returns bigint
language sql stable
set search_path = public, pg_temp
as $$
    select id from ledger_account a
    where a.account = unpaid_account.account and a.kind = 'unpaid' and a.asset = 'CREDIT';
$$;
comment on function ledger.unpaid_account is 'The ledger account of what an account owes, null where it never owed anything.';
