create or replace function mirror.aliases_after(after text, max int)
returns table (key text, version bigint, shard int, hash text, account text, until_ms bigint)
language sql stable
set search_path = public, pg_temp
as $$
    select a.key, a.version, a.shard::int, k.hash, k.account, mirror.alias_until(k)
    from key_alias a join api_key k on k.id = a.key
    where a.key > after
      and mirror.alias_until(k) not between 1 and extract(epoch from lib.now()) * 1000
    order by a.key
    limit max;
$$;
comment on function mirror.aliases_after is 'The next aliases of a round that writes all of them again.';
