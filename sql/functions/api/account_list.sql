create or replace function api.account_list(args jsonb) returns jsonb
language sql stable
set search_path = public, pg_temp
as $$
    select lib.page((select jsonb_agg(api.account_json(a) order by a.id)
                     from (select * from account
                           where id > coalesce(lib.arg_text(args, 'cursor'), '')
                           order by id limit lib.page_size(args) + 1) a),
                    lib.page_size(args), 'id');
$$;
comment on function api.account_list is 'A page of accounts, by id.';
