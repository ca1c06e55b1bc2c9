create or replace function ledger.wallet(account text) returns bigint
language sql stable
set search_path = public, pg_temp
as $$
    select id from ledger_account a
    where a.account = wallet.account and a.kind = 'wallet' and a.asset = 'CREDIT';
$$;
comment on function ledger.wallet is 'The ledger account that holds the credits of an account.';
