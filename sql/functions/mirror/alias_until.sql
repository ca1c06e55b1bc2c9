create or replace function mirror.alias_until(k api_key) returns bigint
language sql immutable
as $$
    select coalesce(ceil(extract(epoch from least(k.expires_at, k.revoked_at) + interval '1 day') * 1000), 0)::bigint;
$$;
comment on function mirror.alias_until is 'When the alias of an imported key ends, in ms, 0 = never: it outlives the key by a day, so that its client is told what became of it.';
