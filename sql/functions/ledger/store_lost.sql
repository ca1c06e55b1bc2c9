create or replace function ledger.store_lost(shard int, reason text) returns void
language sql
set search_path = public, pg_temp
as $$
    insert into store as s (shard, id, replid, state, reason, at)
    values (store_lost.shard, '', '', 'lost', store_lost.reason, lib.now())
    on conflict on constraint store_pkey do update set state = 'lost', reason = excluded.reason, at = excluded.at
    where s.state <> 'lost';
$$;
comment on function ledger.store_lost is 'Notes that the store of a shard has to be looked through: from then on events that do not add up are a matter of recovery.';
