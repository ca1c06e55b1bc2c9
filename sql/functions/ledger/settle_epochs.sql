create or replace function ledger.settle_epochs(stream text, from_id text, to_id text) returns jsonb
language plpgsql
set search_path = public, pg_temp
set enable_hashjoin = off
set enable_mergejoin = off
set jit = off
as $$
declare
    frozen jsonb := '[]';
    ended bigint[];
    fault record;
begin
    perform ledger.cursor_move(stream, from_id, to_id);
    perform 1 from account_cursor
    where account in (select account from settle_event)
    order by account
    for update;

    with due as (
        select r.id
        from settle_event e
        -- by the id alone, as in recover_plan()
        cross join lateral (select * from recovery r
                            where r.id = case when e.request_id ~ '^[0-9]{1,18}$' then e.request_id::bigint end
                            offset 0) r
        where r.account = e.account and r.done_at is null and e.kind = 'epoch'
          and (r.epoch, r.cmd, r.avail, r.delta) = (e.epoch, e.cmd, e.avail, e.delta) and e.seq = 1 and e.held = 0
    ), begun as (
        update recovery r set done_at = (select lib.now())
        from due d
        where r.id = d.id
        returning r.id, r.account, r.epoch, r.cmd, r.avail
    ), moved as (
        update account_cursor c
        set epoch = b.epoch, last_seq = 1, last_avail = b.avail, last_held = 0, last_cmd = b.cmd
        from begun b
        where c.account = b.account
    )
    select coalesce(array_agg(b.id), '{}') into ended from begun b;

    -- one that a recovery has thought better of is kept with it; nobody else begins an epoch
    for fault in
        select e.account, e.id, jsonb_agg(to_jsonb(e)) as event, c.account is not null as exists,
               (select r.id from recovery r where r.account = e.account and r.done_at is null) as recovery
        from settle_event e left join account_cursor c on c.account = e.account
        where cardinality(ended) < (select count(*) from settle_event)
          and (e.epoch, e.seq) is distinct from (c.epoch, c.last_seq) and coalesce(e.epoch > c.epoch, true)
        group by e.account, e.id, c.account
    loop
        insert into suspense_event (stream, stream_id, account, reason, event, at, recovery)
        values (settle_epochs.stream, fault.id, fault.account, 'another epoch', fault.event, lib.now(), fault.recovery);
        if fault.exists and fault.recovery is null then
            perform ledger.account_freeze(fault.account, 'register_broken',
                jsonb_build_object('stream', settle_epochs.stream, 'id', fault.id, 'fault', 'another epoch'));
            frozen := frozen || to_jsonb(fault.account);
        end if;
    end loop;

    update stream_cursor c set taken = c.taken + cardinality(ended) where c.stream = settle_epochs.stream;
    perform ledger.recover_report(ended);

    return jsonb_build_object('events', (select count(*) from settle_event), 'posted', cardinality(ended), 'frozen', frozen);
end $$;
comment on function ledger.settle_epochs is 'Begins the epochs that the events in settle_event, all of kind epoch, tell of, as their recoveries planned them, and moves the cursor of their stream.';
