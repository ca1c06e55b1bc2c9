create or replace function ledger.recover_report(ended bigint[] default null) returns void
language plpgsql
set search_path = public, pg_temp
as $$
declare
    open_alert bigint;
    since timestamptz;
    told jsonb;
begin
    perform pg_advisory_xact_lock(hashtext('tollgate.redis_lost'));
    select a.id, a.at, case when ended is not null then a.detail end into open_alert, since, told
    from alert a
    where a.kind = 'redis_lost' and a.closed_at is null
    order by a.id desc limit 1;

    if open_alert is null then
        -- what an operator asked for is no loss
        insert into alert (at, kind)
        select min(r.at), 'redis_lost' from recovery r
        where r.id = any (ended) and r.reason not in ('rebuild', 'repair')
        having count(*) > 0
        returning id, at into open_alert, since;
    end if;

    -- those that ended now are added to what was told: the others may be very many
    update alert a
    set detail = (select jsonb_build_object('accounts', sum(p.accounts),
                             'reasons', coalesce(jsonb_agg(distinct p.reason) filter (where p.reason is not null), '[]'),
                             'delta', lib.credits(sum(p.delta)::bigint), 'events', sum(p.events),
                             'short', lib.credits(sum(p.short)::bigint),
                             'requests', sum(p.requests), 'written_off', lib.credits(sum(p.written_off)::bigint))
                  from (select r.reason, count(*) as accounts, sum(r.delta) as delta, sum(r.events) as events,
                               sum(r.short) as short, sum(r.requests) as requests, sum(r.written_off) as written_off
                        from (select * from recovery where id = any (ended)
                              union all
                              select * from recovery where ended is null) r
                        where r.at >= since and r.done_at is not null and r.reason not in ('rebuild', 'repair')
                        group by r.reason
                        union all
                        select null, coalesce(t.accounts, 0), coalesce(t.delta, 0) * 1000000, coalesce(t.events, 0),
                               coalesce(t.short, 0) * 1000000, coalesce(t.requests, 0), coalesce(t.written_off, 0) * 1000000
                        from jsonb_to_record(coalesce(told, '{}'))
                                 as t (accounts bigint, delta numeric, events bigint, short numeric, requests bigint,
                                       written_off numeric)
                        union all
                        select jsonb_array_elements_text(told -> 'reasons'), 0, 0, 0, 0, 0, 0) p)
    where a.id = open_alert;
end $$;
comment on function ledger.recover_report is 'Says in one alert what a loss of Redis came to, as far as it is known: adds the recoveries that ended, or where none are named reckons anew.';
