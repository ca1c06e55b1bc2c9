create or replace function api.key_pause(args jsonb) returns jsonb
language sql
set search_path = public, pg_temp
as $$
    select api.key_state(args, 'key.pause', 'paused');
$$;
comment on function api.key_pause is 'Lets a key rest: the gate refuses it until it is resumed.';
