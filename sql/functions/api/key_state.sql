create or replace function api.key_state(args jsonb, action text, state text) returns jsonb
language plpgsql
set search_path = public, pg_temp
as $$
declare
    before api_key := api.key_find(args);
    after api_key := before;
begin
    after.state := key_state.state;
    if after.state = 'revoked' then
        after.revoked_at := coalesce(before.revoked_at, lib.now());
    end if;

    return api.key_change(args, action, before, after);
end $$;
comment on function api.key_state is 'Puts a key into a state.';
