create or replace function api.content_list(args jsonb) returns jsonb
language sql stable
set search_path = public, pg_temp
as $$
    select lib.page((select jsonb_agg(api.content_json(c) order by c.code)
                     from (select * from content_pricing
                           where active and code > coalesce(lib.arg_text(args, 'cursor'), '')
                           order by code limit lib.page_size(args) + 1) c),
                    lib.page_size(args), 'code');
$$;
comment on function api.content_list is 'A page of the content, by code.';
