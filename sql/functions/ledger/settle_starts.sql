create or replace function ledger.settle_starts() returns void
language plpgsql
set search_path = public, pg_temp
as $$
declare
    begun record;
    raised credit_grant;
begin
    -- a loop over what begins, which a batch has little of
    for begun in
        select c.account, c.kind, c.at, c.cmd, e.request_id, e.credits
        from settle_checked c join settle_event e on e.id = c.id
        where c.fault = '' and c.kind in ('start', 'adjust') and e.delta > 0
        order by c.place, e.n
    loop
        if begun.kind = 'start' then
            perform ledger.grant_post(begun.request_id::bigint, 'grant', begun.at);
            continue;
        end if;

        raised.account := begun.account;
        raised.source := 'adjustment';
        raised.amount := begun.credits;
        raised.note := ledger.level_note(begun.account, begun.cmd);
        raised.issue_key := format('level:%s:%s', begun.account, begun.cmd);
        perform ledger.grant_post(ledger.grant_make(raised), 'adjustment', begun.at);
    end loop;
end $$;
comment on function ledger.settle_starts is 'Issues the grants that began by the sound events in settle_event: those that were to start later, and what a balance was raised by.';
