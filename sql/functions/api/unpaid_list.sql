create or replace function api.unpaid_list(args jsonb) returns jsonb
language plpgsql stable
set search_path = public, pg_temp
as $$
declare
    wanted_account text;
    wanted_state text := lib.arg_one_of(args, 'state', array['open', 'counted', 'unknown', 'charging', 'charged',
                                                             'forgiven', 'paid', 'all'], 'open');
begin
    if lib.arg_text(args, 'account') is not null then
        wanted_account := (api.account_find(args)).id;
    end if;

    return lib.page((select jsonb_agg(api.unpaid_json(u) order by u.id)
                     from (select * from unpaid_use
                           where (wanted_account is null or account = wanted_account)
                             and (wanted_state = 'all' or state = wanted_state)
                             and id > lib.arg_int(args, 'cursor', 0, 999999999999999999, 0)
                           order by id limit lib.page_size(args) + 1) u),
                    lib.page_size(args), 'id');
end $$;
comment on function api.unpaid_list is 'A page of requests that passed without a decision, those that are owed if not told.';
