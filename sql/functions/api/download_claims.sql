create or replace function api.download_claims(d downloads) returns text
language sql immutable
as $$
    select concat_ws('.', '1', d.account, substr(d.app, 5), substr(d.id, 4),
               extract(epoch from d.expires_at)::bigint, coalesce(d.max_downloads, 0), d.window_s,
               coalesce(encode(substr(inet_send(d.network::inet), 5), 'hex') || '/' || masklen(d.network), '-'),
               coalesce(d.feature, '-'));
$$;
comment on function api.download_claims is 'What the token of a download link says, all but its signature.';
