create or replace function lib.actor() returns text
language sql stable
as $$
    -- who runs jobs says which; a role of the worker names itself to Postgres
    select coalesce('job:' || nullif(current_setting('tollgate.job', true), ''),
                    'worker:' || substring(current_setting('application_name') from '^tollgate-worker (.+)$'),
                    'sql:' || session_user);
$$;
comment on function lib.actor is 'Who changes something where no call of the API says so: a job, a role of the worker, or a login of Postgres.';
