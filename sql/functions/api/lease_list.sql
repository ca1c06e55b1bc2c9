create or replace function api.lease_list(args jsonb) returns jsonb
language plpgsql stable
set search_path = public, pg_temp
as $$
begin
    if lib.arg_text(args, 'account') is not null then
        perform api.account_find(args);
    end if;
    perform lib.arg_text(args, 'cursor');

    return lib.page((select jsonb_agg(jsonb_build_object('id', l.id, 'account', split_part(l.id, ':', 1),
                                'key', split_part(l.id, ':', 2), 'host', split_part(l.id, ':', 3),
                                'credits', lib.credits(l.credits), 'units', l.units,
                                'since', lib.time(to_timestamp(l.no / 1000000.0)), 'no', l.no::text) order by l.place)
                     from jsonb_to_recordset(args -> '_leases')
                              as l (place int, id text, no bigint, credits bigint, units bigint)),
                    lib.page_size(args), 'id');
end $$;
comment on function api.lease_list is 'A page of what hosts have on lease, of the rows that Redis has from the cursor on.';
