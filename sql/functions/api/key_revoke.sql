create or replace function api.key_revoke(args jsonb) returns jsonb
language sql
set search_path = public, pg_temp
as $$
    select api.key_state(args, 'key.revoke', 'revoked');
$$;
comment on function api.key_revoke is 'Revokes a key for good; a second time changes nothing.';
