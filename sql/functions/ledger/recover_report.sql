create or replace function ledger.recover_report() returns void
language plpgsql
set search_path = public, pg_temp
as $$
declare
    open_alert bigint;
    since timestamptz;
begin
    perform pg_advisory_xact_lock(hashtext('tollgate.redis_lost'));
    select a.id, a.at into open_alert, since from alert a
    where a.kind = 'redis_lost' and a.closed_at is null
    order by a.id desc limit 1;

    if open_alert is null then
        -- what an operator asked for is no loss
        insert into alert (at, kind)
        select min(r.at), 'redis_lost' from recovery r
        where r.done_at = lib.now() and r.reason not in ('rebuild', 'repair')
        having count(*) > 0
        returning id, at into open_alert, since;
    end if;

    update alert a
    set detail = (select jsonb_build_object('accounts', count(*), 'reasons', jsonb_agg(distinct r.reason),
                             'delta', lib.credits(coalesce(sum(r.delta), 0)::bigint), 'events', coalesce(sum(r.events), 0),
                             'short', lib.credits(coalesce(sum(r.short), 0)::bigint),
                             'requests', coalesce(sum(r.requests), 0),
                             'written_off', lib.credits(coalesce(sum(r.written_off), 0)::bigint))
                  from recovery r
                  where r.at >= since and r.done_at is not null and r.reason not in ('rebuild', 'repair'))
    where a.id = open_alert;
end $$;
comment on function ledger.recover_report is 'Says in one alert what a loss of Redis came to, as far as it is known.';
