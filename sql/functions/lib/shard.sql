create or replace function lib.shard(account text) returns smallint
language sql stable strict
set search_path = public, pg_temp
as $$
    select (lib.crc32(convert_to(account, 'UTF8')) % lib.setting('shards')::bigint)::smallint;
$$;
comment on function lib.shard is 'The shard of an account: crc32 of its id modulo the number of shards.';
