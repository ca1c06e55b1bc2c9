create or replace function api.download_list(args jsonb) returns jsonb
language plpgsql stable
set search_path = public, pg_temp
as $$
declare
    wanted_app text := lib.arg_text(args, 'app');
    wanted_account text;
begin
    if lib.arg_text(args, 'account') is not null then
        wanted_account := (api.account_find(args)).id;
    end if;

    return lib.page((select jsonb_agg(api.download_json(d) order by d.id)
                     from (select * from downloads
                           where (wanted_account is null or account = wanted_account)
                             and (wanted_app is null or app = wanted_app)
                             and id > coalesce(lib.arg_text(args, 'cursor'), '')
                           order by id limit lib.page_size(args) + 1) d),
                    lib.page_size(args), 'id');
end $$;
comment on function api.download_list is 'A page of download links, by id, of one account or app or of all.';
