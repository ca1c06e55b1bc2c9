create or replace function ledger.stores() returns table (shard int, id text, replid text, state text)
language sql stable
set search_path = public, pg_temp
as $$
    select s.shard::int, s.id, s.replid, s.state from store s order by s.shard;
$$;
comment on function ledger.stores is 'The stores of all shards, as they were when they were last looked through.';
