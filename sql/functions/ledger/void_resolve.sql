create or replace function ledger.void_resolve(request_ids text[]) returns bigint
language plpgsql
set search_path = public, pg_temp
as $$
declare
    found_charge record;
    resolved bigint := 0;
begin
    -- who posts for an account holds its cursor, so no charge is missed meanwhile
    perform 1 from account_cursor c
    where c.account in (select v.account from void_request v where v.request_id = any (request_ids))
    order by c.account
    for update;

    -- a loop over lost replies, which are few; each is one refund
    for found_charge in
        select v.request_id, v.account, h.feature, h.model, h.key, h.app, h.credits, h.units, h.pockets, h.epoch, h.seq,
               (lib.window_bounds('day', c.align, c.zone, c.anchor, h.at)).starts as day,
               (lib.window_bounds('month', c.align, c.zone, c.anchor, h.at)).starts as month,
               exists (select from charge r
                       where r.account = v.account and r.request_id = v.request_id and r.kind = 'refund'
                         and r.at >= h.at)
               -- or by a command that a restored database forgot, and took over
               or h.credits > 0
                  and exists (select from ledger_txn x join ledger_entry e on e.txn = x.id
                              where x.account = v.account and x.kind = 'recovery' and x.key like 'adopted:%'
                                and x.at >= h.at and e.amount = h.credits) as refunded
        from void_request v
        join account_calendar c on c.account = v.account
        join lateral (select * from charge h
                      where h.account = v.account and h.request_id = v.request_id and h.kind = 'charge'
                        and h.at between v.at - interval '1 day' and v.at + interval '1 day'
                      limit 1) h on true
        where v.request_id = any (request_ids) and (v.resolved_at is null or v.credits is null)
          -- while events are settled again that command may still come
          and not exists (select from stream_behind b join account a on b.stream = format('tg:{%s}:ledger', a.shard)
                          where a.id = v.account and b.ended_at is null)
        order by v.account, v.request_id
    loop
        update void_request v
        set resolved_at = lib.now(), credits = case when found_charge.refunded then 0 else found_charge.credits end,
            units = case when found_charge.refunded then 0 else found_charge.units end
        where v.request_id = found_charge.request_id;
        resolved := resolved + 1;

        continue when found_charge.refunded;

        if found_charge.credits > 0 then
            perform ledger.post_usage('void:' || found_charge.request_id,
                (select jsonb_agg(jsonb_build_object('account', found_charge.account,
                            'feature', coalesce(found_charge.feature, ''), 'pocket', p.pocket, 'credits', -p.credits,
                            'at', lib.now()))
                 from ledger.pocket_shares(found_charge.pockets, found_charge.credits) p
                 where p.credits > 0),
                'void');
        end if;

        insert into charge (at, account, kind, epoch, seq, request_id, key, app, feature, model, credits, units,
                            pockets, txn)
        values (lib.now(), found_charge.account, 'void', found_charge.epoch, found_charge.seq,
                found_charge.request_id, found_charge.key, found_charge.app, found_charge.feature,
                found_charge.model, found_charge.credits, found_charge.units, found_charge.pockets,
                (select id from ledger_txn t
                 where t.key = 'void:' || found_charge.request_id || ':' || found_charge.account));

        update quota_usage q set used = greatest(0, q.used - found_charge.units)
        where q.account = found_charge.account and found_charge.units > 0
          and (q."window" = 'day' and q.start = found_charge.day
               or q."window" = 'month' and q.start = found_charge.month);

        update void_request v
        set command = mirror.command(found_charge.account, found_charge.credits,
            case when found_charge.units > 0
                 then jsonb_build_object('units', format('%s %s %s', found_charge.units,
                          extract(epoch from found_charge.day)::bigint, extract(epoch from found_charge.month)::bigint))
                 else '{}' end
            || case when found_charge.pockets is not null and found_charge.credits > 0
                    then jsonb_build_object('pockets', found_charge.pockets)
                    else '{}' end)
        where v.request_id = found_charge.request_id;
    end loop;

    return resolved;
end $$;
comment on function ledger.void_resolve is 'Gives back what these requests were charged, once each; how many of them were found charged.';
