create or replace function api.job_list(args jsonb) returns jsonb
language sql stable
set search_path = public, pg_temp
as $$
    select lib.page((select jsonb_agg(api.job_json(j) order by j.name)
                     from (select * from job
                           where name > coalesce(lib.arg_text(args, 'cursor'), '')
                           order by name limit lib.page_size(args) + 1) j),
                    lib.page_size(args), 'name');
$$;
comment on function api.job_list is 'All jobs, by name.';
