create or replace function ledger.settle_expired(stream text, to_id text) returns void
language plpgsql
set search_path = public, pg_temp
as $$
declare
    ended bigint;
begin
    if not exists (select from settle_checked c join settle_event e on e.id = c.id
                   where c.fault = '' and c.kind = 'lapse' and c.cmd = 0 and e.credits > 0)
    then
        return;
    end if;

    perform ledger.event_lock();
    insert into account_event (account, at, type, meter, used, epoch, seq, n)
    select c.account, c.at, 'credits.expired', 'credits', sum(e.credits), c.epoch, c.seq, 0
    from settle_checked c join settle_event e on e.id = c.id
    where c.fault = '' and c.kind = 'lapse' and c.cmd = 0
    group by c.place, c.account, c.at, c.epoch, c.seq
    having sum(e.credits) > 0
    order by c.place
    on conflict do nothing;

    for ended in
        select e.credit_grant
        from settle_checked c
        join ledger_txn t on t.key = format('lapse:%s:%s:%s', settle_expired.stream, to_id, c.account)
        join ledger_entry e on e.txn = t.id and e.credit_grant is not null
        where c.fault = '' and c.kind = 'lapse'
        group by e.credit_grant
        order by e.credit_grant
    loop
        perform ledger.grant_roll(ended);
    end loop;
end $$;
comment on function ledger.settle_expired is 'Tells of credits that ended by the sound events in settle_event, and rolls over what their grants say.';
