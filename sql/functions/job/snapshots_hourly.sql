create or replace function job.snapshots_hourly(due_at timestamptz) returns jsonb
language sql
set search_path = public, pg_temp
as $$
    -- the hour before that once more, for usage that came late
    select job.snapshot('hour', date_trunc('hour', due_at at time zone 'UTC') at time zone 'UTC' - interval '2 hours');
    select job.snapshot('hour', date_trunc('hour', due_at at time zone 'UTC') at time zone 'UTC' - interval '1 hour');
$$;
comment on function job.snapshots_hourly is 'Takes the snapshots of the two hours before the due time.';
