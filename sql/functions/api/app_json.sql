create or replace function api.app_json(a app) returns jsonb
language sql stable
set search_path = public, pg_temp
as $$
    select jsonb_build_object('id', a.id, 'account', a.account, 'name', a.name, 'kind', a.kind, 'state', a.state,
                              'limits', api.limits_json('app', a.id), 'created_at', lib.time(a.created_at));
$$;
comment on function api.app_json is 'An app as the API shows it.';
