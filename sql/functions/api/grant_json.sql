create or replace function api.grant_json(g credit_grant) returns jsonb
language sql stable
set search_path = public, pg_temp
as $$
    select jsonb_build_object('id', g.id::text, 'account', g.account, 'credits', lib.credits(g.amount),
               'remaining', lib.credits(g.remaining), 'lapsed', lib.credits(g.lapsed), 'source', g.source,
               'note', g.note, 'state', ledger.grant_state(g), 'priority', g.priority,
               'effective_at', lib.time(g.effective_at), 'expires_at', lib.time(g.expires_at),
               'features', to_jsonb(g.features),
               'rollover', case when g.rollover_max is not null
                                then jsonb_build_object('max', lib.credits(g.rollover_max),
                                         'min', lib.credits(g.rollover_min),
                                         'for', extract(epoch from g.rollover_for)::bigint || 's') end,
               'created_at', lib.time(g.created_at));
$$;
comment on function api.grant_json is 'A grant as the API shows it.';
