create or replace function api.content_get(args jsonb) returns jsonb
language sql stable
set search_path = public, pg_temp
as $$
    select api.content_json(api.content_find(args));
$$;
comment on function api.content_get is 'One piece of content or bundle.';
