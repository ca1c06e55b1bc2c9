create or replace function ledger.seal_writers() returns table (virtualtransaction text)
language sql volatile
set search_path = public, pg_temp
as $$
    select l.virtualtransaction
    from pg_locks l
    where l.locktype = 'relation' and l.relation = 'ledger_txn'::regclass and l.mode = 'RowExclusiveLock' and l.granted
      and l.database = (select oid from pg_database where datname = current_database())
      and l.pid is distinct from pg_backend_pid();
$$;
comment on function ledger.seal_writers is 'Transactions that may have taken ids of the ledger and have not ended, but for the one that asks.';
