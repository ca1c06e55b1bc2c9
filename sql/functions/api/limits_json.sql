create or replace function api.limits_json(kind text, holder text) returns jsonb
language sql stable
set search_path = public, pg_temp
as $$
    select coalesce(jsonb_agg(api.limit_json(l) order by l.name), '[]')
    from usage_limit l
    where l.holder_kind = limits_json.kind and l.holder = limits_json.holder;
$$;
comment on function api.limits_json is 'The limits of a plan, account, app or key as the API shows them.';
