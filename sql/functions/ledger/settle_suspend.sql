create or replace function ledger.settle_suspend(stream text) returns jsonb
language plpgsql
set search_path = public, pg_temp
as $$
declare
    fault record;
    frozen jsonb := '[]';
begin
    if not exists (select from settle_checked c where c.fault <> '') then
        return frozen;
    end if;

    -- where the store lost data, events of a history that the ledger doesn't know are to be expected
    insert into recovery (account, shard, reason, at)
    select distinct a.id, a.shard, 'register', lib.now()
    from settle_checked c join account a on a.id = c.account join store s on s.shard = a.shard and s.state = 'lost'
    where c.fault <> ''
    on conflict do nothing;

    insert into suspense_event (stream, stream_id, account, reason, event, at, recovery)
    select settle_suspend.stream, c.id, c.account, c.fault, jsonb_agg(to_jsonb(e) order by e.n), lib.now(), r.id
    from settle_checked c join settle_event e on e.id = c.id
    left join recovery r on r.account = c.account and r.done_at is null
    where c.fault not in ('', 'again') or c.fault = 'again' and r.id is not null
    group by c.place, c.id, c.account, c.fault, r.id
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
          and not exists (select from recovery r where r.account = a.id and r.done_at is null)
        order by c.account, c.place
    loop
        perform ledger.account_freeze(fault.account, 'register_broken',
                              jsonb_build_object('stream', stream, 'id', fault.id, 'fault', fault.fault));
        frozen := frozen || to_jsonb(fault.account);
    end loop;

    return frozen;
end $$;
comment on function ledger.settle_suspend is 'Keeps events that are at fault aside and freezes their accounts, which it returns, but for those that are to be recovered.';
