create or replace function ledger.repair_pending(accounts text[]) returns bigint
language sql stable
set search_path = public, pg_temp
as $$
    select count(*) from recovery r where r.account = any (accounts) and r.done_at is null;
$$;
comment on function ledger.repair_pending is 'How many of these accounts have a wallet that is being made again.';
