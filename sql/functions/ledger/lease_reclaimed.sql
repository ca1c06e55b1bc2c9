create or replace function ledger.lease_reclaimed(stream text, leases bigint) returns void
language sql
set search_path = public, pg_temp
as $$
    update stream_cursor c set reclaimed = c.reclaimed + leases where c.stream = lease_reclaimed.stream;
$$;
comment on function ledger.lease_reclaimed is 'Counts leases of a shard that were taken back since their host was not heard of.';
