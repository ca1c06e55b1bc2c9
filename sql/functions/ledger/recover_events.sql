create or replace function ledger.recover_events() returns void
language plpgsql
set search_path = public, pg_temp
set enable_hashjoin = on
set enable_mergejoin = on
set enable_seqscan = on
as $$
declare
    batch text := txid_current()::text;
    lack record;
begin
    insert into settle_event
    select i.*
    from recover_seen t
    join recovery r on r.account = t.account and r.done_at is null
    join suspense_event s on s.recovery = r.id
    cross join lateral jsonb_populate_recordset(null::settle_event, s.event) i
    where i.kind in ('charge', 'lease', 'refund', 'commit', 'late', 'owed', 'waived', 'void')
      and not ledger.recover_known(i.account, i.request_id, i.kind);
    if not found then
        return;
    end if;

    -- what gives back a charge that was lost gives back nothing
    delete from settle_event e
    where e.kind = 'refund' and not ledger.recover_known(e.account, e.request_id, 'charge')
      and not exists (select from settle_event h
                      where h.request_id = e.request_id and h.account = e.account
                        and h.kind in ('charge', 'lease', 'commit', 'late'));

    insert into settle_checked (place, id, account, epoch, seq, at, kind, avail, held, cmd, fault)
    select row_number() over (order by split_part(id, '-', 1)::numeric, split_part(id, '-', 2)::numeric), id, account,
           epoch, seq, to_timestamp(at_us / 1000000.0), case kind when 'lease' then 'charge' else kind end, avail,
           held, cmd, ''
    from (select distinct id, account, epoch, seq, at_us, kind, avail, held, cmd from settle_event) e;

    update recovery r set events = r.events + n.events
    from (select account, count(*) as events from settle_checked group by account) n
    where r.account = n.account and r.done_at is null;

    -- a loop over accounts that spent on both sides what they had once, of which there are few
    for lack in
        select u.account, u.recovery, u.pocket,
               u.credits - coalesce((select sum(g.remaining) from credit_grant g
                                     where g.account = u.account and g.pocket = u.pocket and g.txn is not null), 0)
               + case u.pocket when '-' then ledger.recover_unapplied(u.account) else 0 end as credits
        from (select r.account, r.id as recovery, p.pocket,
                     sum(case e.kind when 'refund' then -p.credits else p.credits end) as credits
              from recovery r
              join settle_event e on e.account = r.account
              cross join lateral ledger.pocket_shares(e.pockets, e.credits) p
              where e.kind in ('charge', 'lease', 'refund', 'commit', 'late') and r.done_at is null
              group by r.account, r.id, p.pocket) u
    loop
        if lack.credits > 0 then
            perform ledger.recover_short(lack.account, lack.recovery, lack.pocket, lack.credits::bigint, batch);
        end if;
    end loop;

    perform ledger.settle_post('recovery', batch);
    perform ledger.settle_details('recovery', batch);
    perform ledger.unpaid_resolve('recovery', batch);
    perform ledger.entitlement_resolve();
    perform ledger.settle_owed('recovery', batch);
end $$;
comment on function ledger.recover_events is 'Posts what was charged and given back in a history of wallets in recover_seen that the ledger had not, as what it is.';
