create or replace function api.plan_list(args jsonb) returns jsonb
language sql stable
set search_path = public, pg_temp
as $$
    select lib.page((select jsonb_agg(api.plan_json(p.code) order by p.code)
                     from (select code from plan
                           where code > coalesce(lib.arg_text(args, 'cursor'), '')
                           order by code limit lib.page_size(args) + 1) p),
                    lib.page_size(args), 'code');
$$;
comment on function api.plan_list is 'A page of plans, by code.';
