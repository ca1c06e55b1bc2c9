create or replace function mirror.aliases_carried(versions jsonb) returns void
language sql
set search_path = public, pg_temp
as $$
    update key_alias a set carried = v.version::bigint
    from jsonb_each_text(aliases_carried.versions) v (key, version)
    where a.key = v.key and a.carried < v.version::bigint;
$$;
comment on function mirror.aliases_carried is 'Records which versions of aliases are in Redis, by key.';
