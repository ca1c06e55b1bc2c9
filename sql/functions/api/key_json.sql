create or replace function api.key_json(k api_key) returns jsonb
language sql stable
set search_path = public, pg_temp
as $$
    select jsonb_build_object('id', k.id, 'account', k.account, 'app', k.app, 'name', k.name, 'prefix', k.prefix,
               'last4', k.last4, 'imported', k.imported, 'state', k.state, 'scopes', k.scopes, 'ips', k.ips, 'methods', k.methods,
               'paths', k.paths, 'models', k.models, 'limits', api.limits_json('key', k.id), 'expires_at', lib.time(k.expires_at),
               'created_at', lib.time(k.created_at), 'revoked_at', lib.time(k.revoked_at),
               'replaced_by', k.replaced_by);
$$;
comment on function api.key_json is 'A key as the API shows it, without the key itself.';
