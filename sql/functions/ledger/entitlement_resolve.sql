create or replace function ledger.entitlement_resolve() returns void
language sql
set search_path = public, pg_temp
as $$
    update entitlement t
    set state = case when e.credits > 0 then 'active' else 'declined' end,
        ended_at = case when e.credits > 0 then null else lib.now() end
    from settle_checked c join settle_event e on e.id = c.id
    where c.fault = '' and c.kind = 'charge' and e.request_id = t.taking and c.account = t.account
      and t.state = 'pending';
$$;
comment on function ledger.entitlement_resolve is 'Ends the wait for the wallet: what it paid for is active, what it could not is declined.';
