create or replace function api.statement_list(args jsonb) returns jsonb
language plpgsql stable
set search_path = public, pg_temp
as $$
declare
    target account := api.account_find(args);
    page jsonb;
begin
    page := lib.page((select jsonb_agg(api.statement_json(s) order by s.no)
                     from (select * from statement i
                           where i.account = target.id and i.no > lib.arg_int(args, 'cursor', 0, 999999999, 0)
                           order by i.no limit lib.page_size(args) + 1) s),
                    lib.page_size(args), 'no');

    return page || jsonb_build_object('next_cursor', page ->> 'next_cursor');
end $$;
comment on function api.statement_list is 'A page of the statements that were issued to an account, by number.';
