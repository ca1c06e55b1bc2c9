create or replace function api.entitlement_list(args jsonb) returns jsonb
language sql stable
set search_path = public, pg_temp
as $$
    select lib.page((select jsonb_agg(api.entitlement_json(e) order by e.id)
                     from (select * from entitlement
                           where account = (api.account_find(args)).id and id > coalesce(lib.arg_text(args, 'cursor'), '')
                           order by id limit lib.page_size(args) + 1) e),
                    lib.page_size(args), 'id');
$$;
comment on function api.entitlement_list is 'A page of what an account was granted and has bought.';
