create or replace function ledger.unpaid(account text) returns bigint
language sql stable
set search_path = public, pg_temp
as $$
    select coalesce(-sum(e.amount), 0)::bigint from ledger_entry e
    where e.ledger_account = ledger.unpaid_account(unpaid.account);
$$;
comment on function ledger.unpaid is 'Micro-credits that an account owes for use during outages.';
