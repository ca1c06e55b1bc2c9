create or replace function api.download_json(d downloads) returns jsonb
language sql stable
set search_path = public, pg_temp
as $$
    select jsonb_build_object('id', d.id, 'account', d.account, 'app', d.app,
               'state', case when d.revoked_at is not null then 'revoked'
                             when d.expires_at <= lib.now() then 'expired'
                             when d.downloads >= d.max_downloads then 'exhausted'
                             else 'active' end,
               'path', d.path, 'query', d.query, 'feature', d.feature, 'network', d.network,
               'max_downloads', d.max_downloads, 'window', d.window_s || 's', 'expires_at', lib.time(d.expires_at),
               'created_at', lib.time(d.created_at), 'revoked_at', lib.time(d.revoked_at), 'downloads', d.downloads,
               'requests', d.requests, 'refused', d.refused, 'bytes_sent', d.bytes_sent,
               'first_at', lib.time(d.first_at), 'last_at', lib.time(d.last_at));
$$;
comment on function api.download_json is 'A download link as the API shows it, without its signature.';
