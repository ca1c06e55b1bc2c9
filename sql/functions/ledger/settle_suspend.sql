create or replace function ledger.settle_suspend(stream text) returns jsonb
language plpgsql
set search_path = public, pg_temp
as $$
declare
    fault record;
    frozen jsonb := '[]';
begin
    insert into suspense_event (stream, stream_id, account, reason, event, at)
    select settle_suspend.stream, c.id, c.account, c.fault, jsonb_agg(to_jsonb(e) order by e.n), lib.now()
    from settle_checked c join settle_event e on e.id = c.id
    where c.fault not in ('', 'again')
    group by c.place, c.id, c.account, c.fault
    order by c.place;

    insert into alert (at, kind, account, detail)
    select lib.now(), 'account_unknown', c.account,
           jsonb_build_object('stream', stream, 'id', min(c.id), 'events', count(*))
    from settle_checked c
    where c.fault = 'no such account'
    group by c.account;

    -- a loop over accounts whose register broke, of which there are none
    for fault in
        select distinct on (c.account) c.account, c.fault, c.id
        from settle_checked c join account a on a.id = c.account
        where c.fault not in ('', 'again') and a.state <> 'frozen'
        order by c.account, c.place
    loop
        perform ledger.account_freeze(fault.account, 'register_broken',
                              jsonb_build_object('stream', stream, 'id', fault.id, 'fault', fault.fault));
        frozen := frozen || to_jsonb(fault.account);
    end loop;

    return frozen;
end $$;
comment on function ledger.settle_suspend is 'Keeps events that are at fault aside and freezes their accounts, which it returns.';
