create or replace function api.download_get(args jsonb) returns jsonb
language plpgsql
set search_path = public, pg_temp
as $$
declare
    d downloads := api.download_find(args);
begin
    return api.download_json(d) || jsonb_build_object('uses', coalesce(
        (select jsonb_agg(jsonb_build_object('at', lib.time(u.at), 'request', u.request_id, 'verdict', u.verdict,
                              'status', u.status, 'bytes_sent', u.bytes_out, 'credits', lib.credits(u.credits),
                              'download', coalesce(u.download, false) and not u.refunded, 'refunded', u.refunded)
                          order by u.at desc, u.request_id)
         from (select * from usage_event e
               where e.key = d.id and e.key like 'dl\_%' and e.account = d.account
               order by e.at desc limit 20) u), '[]'));
end $$;
comment on function api.download_get is 'A download link with its last 20 requests.';
