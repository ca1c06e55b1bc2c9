create or replace function ledger.balance(account text) returns bigint
language sql stable
set search_path = public, pg_temp
as $$
    select coalesce((select b.balance from ledger_balance b where b.ledger_account = ledger.wallet(balance.account)), 0);
$$;
comment on function ledger.balance is 'Micro-credits of an account by the ledger.';
