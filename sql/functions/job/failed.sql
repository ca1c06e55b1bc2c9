create or replace function job.failed(name text, due_at timestamptz, error text) returns void
language sql
set search_path = public, pg_temp
as $$
    update job j set failures = j.failures + 1, failed_total = j.failed_total + 1,
                     retry_at = lib.now() + least(interval '1 hour', interval '5 seconds' * 2 ^ least(j.failures, 12))
    where j.name = failed.name;
    insert into job_run (job, due_at, at, outcome, summary)
    values (failed.name, failed.due_at, lib.now(), 'failed', jsonb_build_object('error', failed.error));
$$;
comment on function job.failed is 'Records that a job failed; it is due again after a delay that grows to an hour.';
