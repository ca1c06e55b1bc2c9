create or replace function ledger.event_lock() returns void
language sql
as $$
    -- one writer at a time, so that ids are in the order of commits and who reads on from one misses none
    select pg_advisory_xact_lock(hashtext('tollgate.account_event'));
$$;
comment on function ledger.event_lock is 'Waits to be the one who adds events until its transaction ends.';
