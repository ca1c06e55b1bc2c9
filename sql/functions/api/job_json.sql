create or replace function api.job_json(j job) returns jsonb
language sql stable
set search_path = public, pg_temp
as $$
    select jsonb_build_object('name', j.name, 'every', j.every::text, 'due_at', lib.time(coalesce(j.retry_at, j.requested_at, j.due_at)),
               'last_run_at', lib.time(r.at), 'last_outcome', r.outcome, 'last_summary', r.summary)
    from (values (1)) one
    left join lateral (select * from job_run where job = j.name order by id desc limit 1) r on true;
$$;
comment on function api.job_json is 'A job as the API shows it.';
