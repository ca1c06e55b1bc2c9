create or replace function api.job_run(args jsonb) returns jsonb
language plpgsql
set search_path = public, pg_temp
as $$
declare
    chosen job;
    before job;
begin
    select * into before from job j where j.name = args ->> 'job' for update;
    update job j set requested_at = lib.now(), retry_at = null
    where j.name = args ->> 'job'
    returning * into chosen;
    if not found then
        perform lib.refuse(404, 'job_not_found', format('there is no job "%s"', left(args ->> 'job', 64)));
    end if;
    perform lib.audit(args, 'job.run', chosen.name, jsonb_build_object('requested_at', lib.time(chosen.requested_at)),
                      before => jsonb_build_object('requested_at', lib.time(before.requested_at)));

    return api.job_json(chosen);
end $$;
comment on function api.job_run is 'Makes a job due now, besides its regular times.';
