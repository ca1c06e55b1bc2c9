create or replace function api.app_list(args jsonb) returns jsonb
language plpgsql stable
set search_path = public, pg_temp
as $$
declare
    owner account := api.account_find(args);
    after text := coalesce(lib.arg_text(args, 'cursor'), '');
begin
    return lib.page((select jsonb_agg(api.app_json(a) order by a.id)
                     from (select * from app
                           where account = owner.id and id > after
                           order by id limit lib.page_size(args) + 1) a),
                    lib.page_size(args), 'id');
end $$;
comment on function api.app_list is 'A page of an account''s apps, by id.';
