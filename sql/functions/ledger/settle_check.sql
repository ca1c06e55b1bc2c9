create or replace function ledger.settle_check() returns void
language sql
set search_path = public, pg_temp
-- to compile it takes longer than to judge a batch
set jit = off
as $$
    with wallet as (
        select a.account, b.balance,
               (select sum(g.amount) from credit_grant g where g.account = a.account and g.txn is not null) as granted
        from ledger_account a join ledger_balance b on b.ledger_account = a.id
        where a.kind = 'wallet' and a.asset = 'CREDIT'
          and a.account in (select account from settle_event)
    ), event as (
        select row_number() over (order by split_part(id, '-', 1)::numeric, split_part(id, '-', 2)::numeric) as place,
               id, account, epoch, seq, to_timestamp(at_us / 1000000.0) as at, kind, delta, avail, held, cmd,
               sum(coalesce(credits, 0)) as credits,
               -- a refund has one; where the store lost data it may give back what that had charged before
               min(request_id) filter (where kind = 'refund') as refunded
        from settle_event
        group by id, account, epoch, seq, at_us, kind, delta, avail, held, cmd
    ), known as (
        select e.*, c.account is not null as exists, c.epoch as own_epoch, c.last_seq, c.last_avail, c.last_held,
               c.last_cmd,
               e.epoch = c.epoch and e.seq <= c.last_seq as again,
               kind in ('command', 'adjust') or kind = 'lapse' and cmd > 0 as ordered
        from event e left join account_cursor c on c.account = e.account
    ), chained as (
        select k.*,
               coalesce(lag(seq) over same, last_seq) as before_seq,
               coalesce(lag(avail + held) over same, last_avail + last_held) as before_sum,
               coalesce(lag(held) over same, last_held) as before_held,
               greatest(last_cmd, max(case when ordered then cmd end) over earlier) as before_cmd,
               sum(case when kind in ('charge', 'lease', 'commit', 'late', 'refund', 'lapse', 'start', 'adjust')
                        then delta else 0 end) over same as spent,
               sum(case when kind in ('start', 'adjust') then greatest(delta, 0) else 0 end) over same as added
        from known k
        window same as (partition by account, coalesce(again, false) order by place),
               earlier as (same rows between unbounded preceding and 1 preceding)
    ), judged as (
        select c.*,
               case when not exists then 'no such account'
                    when kind is null or kind not in ('charge', 'lease', 'refund', 'void', 'command', 'threshold', 'hold',
                                                      'commit', 'late', 'release', 'expired', 'owed', 'waived', 'lapse',
                                                      'start', 'adjust') then 'malformed'
                    when epoch is distinct from own_epoch then 'another epoch'
                    when again then 'again'
                    when seq <> before_seq + 1 then 'a gap in the register'
                    when avail + held <> before_sum + delta then 'the balance does not add up'
                    when avail < 0 or held < 0 then 'a negative balance'
                    when case when kind in ('charge', 'lease', 'commit', 'late', 'lapse') then delta <> -credits
                              when kind in ('refund', 'start') then delta <> credits
                              when kind = 'adjust' then abs(delta) <> credits
                              else kind <> 'command' and delta <> 0 end then 'the items do not add up'
                    when case kind when 'hold' then held <> before_held + credits
                                   when 'commit' then held > before_held
                                   -- what is lent or returns stands beside what was used
                                   when 'lease' then false
                                   when 'release' then held <> before_held - credits
                                   when 'expired' then held <> before_held - credits
                                   else held <> before_held end then 'what is held does not add up'
                    when ordered and not exists (select from command d
                                                 where d.account = c.account and d.no = c.cmd
                                                   and case kind when 'command' then d.delta = c.delta
                                                                 when 'lapse' then d.set_fields ? 'lapse'
                                                                 else d.set_fields ? 'level' end)
                         then 'no such command'
                    when ordered and cmd <= before_cmd then 'a command for the second time'
                    when refunded is not null
                         and exists (select from account x join store t on t.shard = x.shard and t.state = 'lost'
                                     where x.id = c.account)
                         and not exists (select from charge h
                                         where h.request_id = c.refunded and h.account = c.account
                                           and h.kind in ('charge', 'commit', 'late'))
                         and not exists (select from settle_event e
                                         where e.request_id = c.refunded and e.account = c.account
                                           and e.kind in ('charge', 'lease', 'commit', 'late'))
                         then 'nothing was charged'
                    when spent <> 0
                         and coalesce(w.balance, 0) + spent not between 0 and coalesce(w.granted, 0) + added
                         then 'more than the ledger has'
                    else '' end as fault
        from chained c left join wallet w on w.account = c.account
    )
    insert into settle_checked (place, id, account, epoch, seq, at, kind, avail, held, cmd, fault)
    select place, id, account, epoch, seq, at,
           -- what was used of a lease is charged
           case kind when 'lease' then 'charge' else kind end, avail, held, cmd,
           -- nothing after the first fault of an account is posted
           case when fault = '' and bool_or(fault not in ('', 'again')) over (partition by account order by place)
                then 'after a fault' else fault end
    from judged;
$$;
comment on function ledger.settle_check is 'Judges the events in settle_event by the cheque register; settle_checked has what is wrong with each.';
