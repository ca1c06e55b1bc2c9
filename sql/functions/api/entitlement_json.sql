create or replace function api.entitlement_json(e entitlement) returns jsonb
language sql stable
set search_path = public, pg_temp
as $$
    select jsonb_build_object('id', e.id, 'account', e.account, 'content', e.content, 'state', e.state,
               'views', e.views, 'span', e.span, 'until', lib.time(e.until), 'credits', lib.credits(e.credits),
               'note', e.note, 'created_at', lib.time(e.created_at), 'ended_at', lib.time(e.ended_at));
$$;
comment on function api.entitlement_json is 'An entitlement as the API shows it.';
