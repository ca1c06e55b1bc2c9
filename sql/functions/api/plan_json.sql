create or replace function api.plan_json(code text) returns jsonb
language sql stable
set search_path = public, pg_temp
as $$
    select jsonb_build_object('code', p.code, 'name', v.name, 'tier', t.code, 'mode', v.mode,
               'price', lib.money(v.price, v.currency), 'currency', v.currency,
               'interval', case v.interval when interval '1 year' then 'year' else 'month' end,
               'day_units', v.day_units, 'month_units', v.month_units,
               'key_rate', trim_scale(v.key_rate)::text, 'key_burst', v.key_burst,
               'app_rate', trim_scale(v.app_rate)::text, 'app_burst', v.app_burst,
               'align', v.align, 'limits', api.limits_json('plan', p.code), 'public', p.public, 'version', v.version)
    from plan p join plan_version v on v.plan = p.code and v.version = p.version
    join tier t on t.rank = v.tier
    where p.code = plan_json.code;
$$;
comment on function api.plan_json is 'A plan as the API shows it.';
