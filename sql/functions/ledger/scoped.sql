create or replace function ledger.scoped(account text) returns bigint
language sql stable
set search_path = public, pg_temp
as $$
    select coalesce(sum(g.remaining), 0)::bigint from credit_grant g
    where g.account = scoped.account and g.pocket <> '-' and g.features <> '{}';
$$;
comment on function ledger.scoped is 'Micro-credits of an account that are for some features alone, and pay for nothing else.';
