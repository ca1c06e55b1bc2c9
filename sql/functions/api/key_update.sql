create or replace function api.key_update(args jsonb) returns jsonb
language plpgsql
set search_path = public, pg_temp
as $$
declare
    target api_key := api.key_find(args);
begin
    return api.key_change(args, 'key.update', target, api.key_with(target, args));
end $$;
comment on function api.key_update is 'Changes the name, expiry or rules of a key; what is not given stays.';
