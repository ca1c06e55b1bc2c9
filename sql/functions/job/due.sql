create or replace function job.due() returns table (name text, due_at timestamptz)
language sql
set search_path = public, pg_temp
as $$
    with next as materialized (
        select j.name, coalesce(j.requested_at, j.due_at) as due_at from job j
        where coalesce(j.requested_at, j.due_at) <= lib.now() and (j.retry_at is null or j.retry_at <= lib.now())
        order by j.requested_at is null, j.due_at, j.name
        limit 1
        for update skip locked
    )
    -- what the job changes in this transaction, it is the actor of
    select next.name, next.due_at
    from next cross join lateral set_config('tollgate.job', next.name, true);
$$;
comment on function job.due is 'The job that was asked for, else the one that has been due longest, held until the transaction ends.';
