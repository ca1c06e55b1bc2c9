create or replace function api.grant_get(args jsonb) returns jsonb
language sql stable
set search_path = public, pg_temp
as $$
    select api.grant_json(api.grant_find(args));
$$;
comment on function api.grant_get is 'A grant.';
