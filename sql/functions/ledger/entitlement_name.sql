create or replace function ledger.entitlement_name() returns void
language sql
set search_path = public, pg_temp
as $$
    update settle_event e set feature = 'content:' || t.content
    from entitlement t
    where e.kind = 'charge' and e.request_id = t.taking and e.account = t.account;
$$;
comment on function ledger.entitlement_name is 'Names what was bought in the events of settle_event that are its charge, for the statement.';
