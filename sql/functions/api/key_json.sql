create or replace function api.key_json(k api_key) returns jsonb
language sql immutable
as $$
    select jsonb_build_object('id', k.id, 'account', k.account, 'app', k.app, 'name', k.name, 'prefix', k.prefix,
               'last4', k.last4, 'state', k.state, 'expires_at', lib.time(k.expires_at),
               'created_at', lib.time(k.created_at), 'revoked_at', lib.time(k.revoked_at));
$$;
comment on function api.key_json is 'A key as the API shows it, without the key itself.';
