create or replace function ledger.store_sound(shard int, id text, replid text) returns void
language sql
set search_path = public, pg_temp
as $$
    insert into store as s (shard, id, replid, at)
    values (store_sound.shard, store_sound.id, store_sound.replid, lib.now())
    on conflict on constraint store_pkey do update
    set id = excluded.id, replid = excluded.replid, state = 'sound', reason = null, at = excluded.at;

    select pg_notify('tollgate_mirror', '');
$$;
comment on function ledger.store_sound is 'Notes that the store of a shard was looked through, and what it is.';
