create or replace function api.content_put(args jsonb) returns jsonb
language plpgsql
set search_path = public, pg_temp
as $$
begin
    perform api.content_load(jsonb_build_object('_actor', args -> '_actor', 'content', jsonb_build_array(
        (select jsonb_object_agg(key, value) from jsonb_each(args) where key !~ '^_' and key <> 'content')
        || jsonb_build_object('code', args ->> 'content'))));

    return api.content_get(args);
end $$;
comment on function api.content_put is 'Adds or replaces one piece of content or bundle.';
