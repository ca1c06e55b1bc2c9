create or replace function api.event_list(args jsonb) returns jsonb
language plpgsql stable
set search_path = public, pg_temp
as $$
declare
    wanted_account text;
    wanted_type text := lib.arg_text(args, 'type');
    since timestamptz := lib.arg_time(args, 'since');
begin
    if lib.arg_text(args, 'account') is not null then
        wanted_account := (api.account_find(args)).id;
    end if;
    if wanted_type is not null then
        wanted_type := lib.arg_one_of(args, 'type', array['balance.exhausted', 'balance.low', 'credits.expired',
                                                          'limit.threshold', 'quota.exceeded']);
    end if;

    return lib.page((select jsonb_agg(api.event_json(e) order by e.id)
                     from (select * from account_event
                           where (wanted_account is null or account = wanted_account)
                             and (wanted_type is null or type = wanted_type)
                             and (since is null or at >= since)
                             and id > lib.arg_int(args, 'cursor', 0, 999999999999999999, 0)
                           order by id limit lib.page_size(args) + 1) e),
                    lib.page_size(args), 'id');
end $$;
comment on function api.event_list is 'A page of events, in the order in which they were booked.';
