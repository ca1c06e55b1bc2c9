create or replace function ledger.system_account(kind text) returns bigint
language sql stable
set search_path = public, pg_temp
as $$
    select id from ledger_account a
    where a.account is null and a.kind = system_account.kind and a.asset = 'CREDIT';
$$;
comment on function ledger.system_account is 'The ledger account of a kind that belongs to no account.';
