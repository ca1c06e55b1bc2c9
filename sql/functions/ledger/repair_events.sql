create or replace function ledger.repair_events(account text, wallet jsonb) returns table (id bigint, delta bigint)
language sql stable
set search_path = public, pg_temp
as $$
    with recursive register as (
        select * from account_cursor c where c.account = repair_events.account
    ), event as (
        select s.id, (s.event -> 0 ->> 'seq')::bigint as seq, (s.event -> 0 ->> 'delta')::bigint as delta,
               (s.event -> 0 ->> 'avail')::bigint + (s.event -> 0 ->> 'held')::bigint as sum
        from suspense_event s, register c
        where s.account = repair_events.account and s.recovery is null and s.repaired_at is null
          and s.event -> 0 ->> 'kind' <> 'malformed' and (s.event -> 0 ->> 'epoch')::bigint = c.epoch
          and (s.event -> 0 ->> 'seq')::bigint > c.last_seq
    ), onward as (
        -- what goes on where the ledger is
        select null::bigint as id, c.last_seq as seq, null::bigint as delta, c.last_avail + c.last_held as sum
        from register c
        union
        select e.id, e.seq, e.delta, e.sum
        from onward o join event e on e.seq = o.seq + 1 and e.sum = o.sum + e.delta
    ), backward as (
        -- what led to the wallet as it is
        select null::bigint as id, (wallet ->> 'seq')::bigint + 1 as seq, 0::bigint as delta,
               (wallet ->> 'avail')::bigint + (wallet ->> 'held')::bigint as sum
        union
        select e.id, e.seq, e.delta, e.sum
        from backward b join event e on e.seq = b.seq - 1 and e.sum = b.sum - b.delta
    )
    -- a number of the register is that of one event
    select distinct on (e.seq) e.id, e.delta
    from (select * from onward union all select * from backward) e
    where e.id is not null
    order by e.seq, e.id;
$$;
comment on function ledger.repair_events is 'Events in suspense that go on where the register of the ledger ends, or lead to the wallet as it was found: they happened, and can be posted.';
