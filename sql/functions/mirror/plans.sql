create or replace function mirror.plans() returns table (code text, version bigint, fields jsonb)
language sql stable
set search_path = public, pg_temp
as $$
    select p.code, p.version::bigint,
           jsonb_strip_nulls(jsonb_build_object('name', v.name, 'tier', v.tier::text, 'mode', v.mode,
               'day', coalesce(v.day_units, -1)::text, 'month', coalesce(v.month_units, -1)::text,
               'key_rate', coalesce(ceil(1000000 / v.key_rate), 0)::bigint::text, 'key_burst', v.key_burst::text,
               'app_rate', coalesce(ceil(1000000 / v.app_rate), 0)::bigint::text, 'app_burst', v.app_burst::text,
               'align', nullif(v.align, 'calendar'), 'limits', mirror.limit_lines('plan', p.code)))
    from plan p join plan_version v on v.plan = p.code and v.version = p.version;
$$;
comment on function mirror.plans is 'Copies of all plans as the gate script reads them; rates become microseconds between requests.';
