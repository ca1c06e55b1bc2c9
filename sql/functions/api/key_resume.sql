create or replace function api.key_resume(args jsonb) returns jsonb
language sql
set search_path = public, pg_temp
as $$
    select api.key_state(args, 'key.resume', 'active');
$$;
comment on function api.key_resume is 'Lets a paused key pass again.';
