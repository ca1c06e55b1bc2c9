create or replace function mirror.aliases_due(max int)
returns table (key text, version bigint, shard int, hash text, account text, until_ms bigint)
language sql stable
set search_path = public, pg_temp
as $$
    select a.key, a.version, a.shard::int, k.hash, k.account, mirror.alias_until(k)
    from key_alias a join api_key k on k.id = a.key
    where a.carried < a.version
    order by a.key
    limit max;
$$;
comment on function mirror.aliases_due is 'Aliases that Redis has not, or not as they are now.';
