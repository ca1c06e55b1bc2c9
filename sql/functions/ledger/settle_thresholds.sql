create or replace function ledger.settle_thresholds() returns bigint
language plpgsql
set search_path = public, pg_temp
as $$
declare
    added bigint;
begin
    if not exists (select from settle_checked where fault = '' and kind = 'threshold') then
        return 0;
    end if;
    perform ledger.event_lock();

    insert into account_event (account, at, type, "limit", meter, app, key, request_id, percent, max, used,
                               counter, window_start, epoch, seq, n)
    select c.account, c.at,
           case when e.feature = 'balance' and e.model::int >= 100 then 'balance.exhausted'
                when e.feature = 'balance' then 'balance.low'
                when l.meter = 'units' and e.model::int = 100 then 'quota.exceeded'
                else 'limit.threshold' end,
           nullif(e.feature, 'balance'), case e.feature when 'balance' then 'credits' else l.meter end,
           e.app_id, e.key_id, e.request_id, e.model::smallint, e.credits, e.units, coalesce(l.counter, ''), l.starts,
           c.epoch, c.seq, e.n
    from settle_checked c
    join settle_event e on e.id = c.id
    left join lateral ledger.limit_at(c.account, e.feature, e.app_id, e.key_id, c.at) l on true
    where c.fault = '' and c.kind = 'threshold' and e.feature is not null and e.model ~ '^\d{1,4}$'
    order by c.place, e.n
    on conflict do nothing;
    get diagnostics added = row_count;

    return added;
end $$;
comment on function ledger.settle_thresholds is 'Keeps what the sound events in settle_event tell of limits and balances that are nearly used up; how many.';
