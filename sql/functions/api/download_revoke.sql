create or replace function api.download_revoke(args jsonb) returns jsonb
language plpgsql
set search_path = public, pg_temp
as $$
declare
    d downloads := api.download_find(args);
    now_revoked downloads;
begin
    update downloads l set revoked_at = lib.now()
    where l.id = d.id and l.revoked_at is null
    returning * into now_revoked;
    if not found then
        return api.download_json(api.download_find(args));
    end if;

    -- 0: a backend signed it, and knows alone when it ends
    perform mirror.command(d.account, 0, jsonb_build_object('link', format('%s %s', substr(d.id, 4),
                               coalesce(extract(epoch from d.expires_at)::bigint, 0))));
    perform lib.audit(args, 'download.revoke', d.id, api.download_json(now_revoked), before => api.download_json(d));

    return api.download_json(now_revoked);
end $$;
comment on function api.download_revoke is 'Revokes a download link for good; a second time changes nothing.';
