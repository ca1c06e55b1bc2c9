create or replace function job.done(name text, due_at timestamptz, summary jsonb) returns void
language sql
set search_path = public, pg_temp
as $$
    update job j
    set due_at = case
            when j.due_at <> done.due_at then j.due_at
            when j.catch_up then j.due_at + j.every
            else j.due_at + j.every * (1 + greatest(0, floor(extract(epoch from lib.now() - j.due_at)
                                                              / extract(epoch from j.every)))) end,
        requested_at = nullif(j.requested_at, done.due_at), retry_at = null, failures = 0,
        succeeded_at = lib.now()
    where j.name = done.name;
    insert into job_run (job, due_at, at, outcome, summary)
    values (done.name, done.due_at, lib.now(), 'done', coalesce(done.summary, '{}'));
$$;
comment on function job.done is 'Records that a job did what was due, and makes it due one period later; a run that was asked for leaves the due time alone.';
