create or replace function ledger.catchup_take() returns void
language sql
set search_path = public, pg_temp
as $$
    with event as (
        select account, epoch, seq, kind, delta, avail, held, cmd, sum(coalesce(credits, 0)) as credits
        from settle_event
        group by id, account, epoch, seq, kind, delta, avail, held, cmd
    )
    insert into catchup_first as f (account, epoch, seq, kind, delta, avail, held, credits, cmd, events)
    select distinct on (account) account, epoch, seq, kind, delta, avail, held, credits,
           min(nullif(cmd, 0)) over same, count(*) over same
    from event
    window same as (partition by account)
    order by account, epoch, seq
    on conflict (account) do update
    set cmd = least(f.cmd, excluded.cmd), events = f.events + excluded.events;
    delete from settle_event;
$$;
comment on function ledger.catchup_take is 'Takes the first event of each account from settle_event, which comes in the order of the stream.';
