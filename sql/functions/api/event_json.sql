create or replace function api.event_json(e account_event) returns jsonb
language sql stable
as $$
    select jsonb_build_object('id', e.id::text, 'at', lib.time(e.at), 'type', e.type, 'account', e.account,
               'limit', e."limit", 'meter', e.meter, 'app', e.app, 'key', e.key, 'request', e.request_id,
               'percent', e.percent,
               'max', case e.meter when 'credits' then to_jsonb(lib.credits(e.max)) else to_jsonb(e.max) end,
               'used', case e.meter when 'credits' then to_jsonb(lib.credits(e.used)) else to_jsonb(e.used) end,
               'window_start', lib.time(e.window_start));
$$;
comment on function api.event_json is 'An event as the API shows it.';
