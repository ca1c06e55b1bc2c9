create or replace function job.snapshots_daily(due_at timestamptz) returns jsonb
language sql
set search_path = public, pg_temp
as $$
    select job.snapshot('day', date_trunc('day', due_at at time zone 'UTC') at time zone 'UTC' - interval '1 day');
$$;
comment on function job.snapshots_daily is 'Takes the snapshot of the day before the due time.';
