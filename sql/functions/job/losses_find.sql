create or replace function job.losses_find(due_at timestamptz) returns jsonb
language sql
set search_path = public, pg_temp
as $$
    select ledger.losses_find();
$$;
comment on function job.losses_find is 'Looks for requests whose charge was lost with Redis.';
