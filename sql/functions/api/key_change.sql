create or replace function api.key_change(args jsonb, action text, before api_key, after api_key) returns jsonb
language plpgsql
set search_path = public, pg_temp
as $$
declare
    kept jsonb := api.key_json(before);
begin
    if before.state = 'revoked' and before is distinct from after then
        perform lib.refuse(409, 'key_revoked', format('key "%s" is revoked, which is for good', before.id));
    end if;

    if before is distinct from after then
        update api_key k
        set name = after.name, state = after.state, scopes = after.scopes, ips = after.ips, methods = after.methods,
            paths = after.paths, models = after.models, expires_at = after.expires_at,
            revoked_at = after.revoked_at, replaced_by = after.replaced_by
        where k.id = before.id;
        update key_alias a set version = a.version + 1 where a.key = before.id;
        perform mirror.command(after.account, 0, api.key_record(after),
                               case when api.key_rules(before) is not null and api.key_rules(after) is null
                                    then jsonb_build_array('r:' || after.id) else '[]' end);
        perform lib.audit(args, action, after.id, api.key_json(after), before => kept);
    end if;

    return api.key_json(after);
end $$;
comment on function api.key_change is 'Carries out a change of a key, here and at the edge; none where it changes nothing.';
