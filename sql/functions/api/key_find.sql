create or replace function api.key_find(args jsonb) returns api_key
language plpgsql
set search_path = public, pg_temp
as $$
declare
    found_key api_key;
begin
    select * into found_key from api_key k where k.id = args ->> 'key' for update;
    if not found then
        perform lib.refuse(404, 'key_not_found', format('there is no key "%s"', left(args ->> 'key', 64)));
    end if;

    return found_key;
end $$;
comment on function api.key_find is 'The key that the arguments name, locked, or a refusal.';
