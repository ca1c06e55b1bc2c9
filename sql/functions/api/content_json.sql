create or replace function api.content_json(content content_pricing) returns jsonb
language sql stable
set search_path = public, pg_temp
as $$
    select jsonb_build_object('code', content.code, 'title', content.title, 'kind', content.kind,
               'credits', lib.credits(content.credits), 'view_window', content.view_window, 'views', content.views,
               'span', content.span, 'days', content.days,
               'tier', (select t.code from tier t where t.rank = content.tier), 'bundles', to_jsonb(content.bundles));
$$;
comment on function api.content_json is 'A piece of content or a bundle as the API shows it.';
