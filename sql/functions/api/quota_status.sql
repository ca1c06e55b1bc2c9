create or replace function api.quota_status(args jsonb) returns jsonb
language sql stable
set search_path = public, pg_temp
as $$
    select jsonb_build_object('account', a.id, 'plan', a.plan, 'mode', v.mode,
               'balance', lib.credits(ledger.balance(a.id)), 'windows',
               (select jsonb_agg(jsonb_build_object('window', w.unit, 'limit', quota, 'used', coalesce(q.used, 0),
                           'remaining', case when quota is not null then greatest(quota - coalesce(q.used, 0), 0) end,
                           'resets_at', lib.time(lib.period(w.start, ('1 ' || w.unit)::interval, 1))) order by w.unit)
                from (select unit, quota, date_trunc(unit, lib.now() at time zone 'UTC') at time zone 'UTC' as start
                      from (values ('day', v.day_units), ('month', v.month_units)) w (unit, quota)) w
                left join quota_usage q on q.account = a.id and q."window" = w.unit and q.start = w.start))
    from account a join plan p on p.code = a.plan
    join plan_version v on v.plan = p.code and v.version = p.version
    where a.id = (api.account_find(args)).id;
$$;
comment on function api.quota_status is 'How much of the quotas and credits is left of the customer who asks.';
