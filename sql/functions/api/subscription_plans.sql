create or replace function api.subscription_plans(args jsonb) returns jsonb
language sql stable
set search_path = public, pg_temp
as $$
    select jsonb_build_object('data', coalesce(jsonb_agg(api.plan_json(p.code) order by v.tier, v.price nulls last, p.code), '[]'))
    from plan p join plan_version v on v.plan = p.code and v.version = p.version
    where p.public;
$$;
comment on function api.subscription_plans is 'The plans that a customer can subscribe to.';
