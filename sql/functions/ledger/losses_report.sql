create or replace function ledger.losses_report() returns void
language plpgsql
set search_path = public, pg_temp
as $$
declare
    open_alert bigint;
    since timestamptz;
begin
    select a.id, a.at into open_alert, since from alert a
    where a.kind = 'charges_lost' and a.closed_at is null
    order by a.id desc limit 1;

    if open_alert is null then
        insert into alert (at, kind) values (lib.now(), 'charges_lost') returning id, at into open_alert, since;
    end if;

    update alert a
    set detail = (select jsonb_build_object('requests', count(*), 'accounts', count(distinct w.account),
                             'credits', lib.credits(coalesce(sum(w.credits), 0)::bigint),
                             'from', lib.time(min(w.at)), 'to', lib.time(max(w.at)))
                  from recovery_writeoff w
                  where w.reversed is null and w.noted_at >= since)
    where a.id = open_alert;
end $$;
comment on function ledger.losses_report is 'Says in one alert how much was used and is in no history, until somebody closes it.';
