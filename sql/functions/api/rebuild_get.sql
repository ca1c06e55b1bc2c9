create or replace function api.rebuild_get(args jsonb) returns jsonb
language sql stable
set search_path = public, pg_temp
as $$
    select api.rebuild_json(case when args ? 'account' then (api.account_find(args)).id end);
$$;
comment on function api.rebuild_get is 'How far the making of wallets is.';
