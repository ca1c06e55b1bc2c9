create or replace function api.key_update(args jsonb) returns jsonb
language plpgsql
set search_path = public, pg_temp
as $$
declare
    target api_key := api.key_find(args);
begin
    if args ? 'limits' then
        if target.state = 'revoked' then
            perform lib.refuse(409, 'key_revoked', format('key "%s" is revoked, which is for good', target.id));
        end if;
        perform api.limits_change(args, 'key', target.id, target.account, args -> 'limits');
    end if;

    return api.key_change(args, 'key.update', target, api.key_with(target, args));
end $$;
comment on function api.key_update is 'Changes the name, expiry, rules or limits of a key; what is not given stays.';
