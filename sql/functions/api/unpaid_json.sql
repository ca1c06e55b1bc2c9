create or replace function api.unpaid_json(u unpaid_use) returns jsonb
language sql immutable
as $$
    select jsonb_build_object('id', u.id::text, 'request', u.request_id, 'at', lib.time(u.at), 'account', u.account,
               'app', u.app, 'key', u.key, 'feature', u.feature, 'model', u.model, 'verdict', u.verdict,
               'credits', lib.credits(u.credits), 'units', u.units, 'state', u.state, 'ended_at', lib.time(u.ended_at));
$$;
comment on function api.unpaid_json is 'A request that nobody has paid as the API shows it.';
