create or replace function ledger.settle_details(stream text, to_id text) returns bigint
language plpgsql
set search_path = public, pg_temp
as $$
declare
    posted bigint;
begin
    -- the transaction is that of settle_post
    insert into charge (at, account, kind, epoch, seq, request_id, key, app, feature, model, credits, units, pockets,
                        txn)
    select c.at, c.account, c.kind, c.epoch, c.seq, e.request_id, e.key_id, e.app_id, e.feature, e.model,
           e.credits, e.units, e.pockets,
           case when e.credits > 0 and c.kind in ('charge', 'refund', 'commit', 'late') then t.id end
    from settle_checked c join settle_event e on e.id = c.id
    left join ledger_txn t on t.key = 'settle:' || settle_details.stream || ':' || to_id || ':' || c.account
    where c.fault = '' and c.kind not in ('void', 'command', 'threshold', 'lapse', 'start', 'adjust')
      and e.request_id is not null;

    insert into void_request (request_id, account, at, seen_at)
    select e.request_id, c.account, min(c.at), lib.now()
    from settle_checked c join settle_event e on e.id = c.id
    where c.fault = '' and c.kind = 'void' and e.request_id is not null
    group by e.request_id, c.account
    on conflict do nothing;

    insert into quota_usage as q (account, "window", start, used)
    select account, "window", start, sum(units)
    from ledger.settle_windows('charge')
    group by account, "window", start
    on conflict (account, "window", start) do update set used = q.used + excluded.used;

    -- units of a refund return to the windows in which they were used, as at the edge
    update quota_usage q set used = greatest(0, q.used - back.units)
    from (select w.account, w."window", w.start, sum(w.units) as units
          from ledger.settle_windows('refund') w
          where exists (select from charge h
                        where h.account = w.account and h.request_id = w.request_id and h.kind = 'charge'
                          and h.at >= w.start and h.at <= w.at)
          group by w.account, w."window", w.start) back
    where q.account = back.account and q."window" = back."window" and q.start = back.start;

    select count(*) into posted from settle_checked where fault = '';
    return posted;
end $$;
comment on function ledger.settle_details is 'Keeps single charges, refunds, holds and their ends, voids and the use of quotas of the events that are sound; how many these are.';
