create or replace function api.app_json(a app) returns jsonb
language sql immutable
as $$
    select jsonb_build_object('id', a.id, 'account', a.account, 'name', a.name, 'kind', a.kind, 'state', a.state,
                              'created_at', lib.time(a.created_at));
$$;
comment on function api.app_json is 'An app as the API shows it.';
