create or replace function api.key_revoke(args jsonb) returns jsonb
language plpgsql
set search_path = public, pg_temp
as $$
declare
    gone api_key;
begin
    select * into gone from api_key k where k.id = args ->> 'key' for update;
    if not found then
        perform lib.refuse(404, 'key_not_found', format('there is no key "%s"', left(args ->> 'key', 64)));
    end if;

    if gone.state = 'active' then
        update api_key k set state = 'revoked', revoked_at = lib.now() where k.id = gone.id returning * into gone;
        perform mirror.command(gone.account, 0, api.key_record(gone));
        perform lib.audit(args, 'key.revoke', gone.id, api.key_json(gone));
    end if;

    return api.key_json(gone);
end $$;
comment on function api.key_revoke is 'Revokes a key for good; a second time changes nothing.';
