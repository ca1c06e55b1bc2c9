create or replace function mirror.prices_held() returns jsonb
language sql stable
set search_path = public, pg_temp
as $$
    select coalesce(jsonb_object_agg(m.key, jsonb_build_object('credits', m.list_credits, 'tier', m.list_tier,
                        'input', m.list_input, 'cached', m.list_cached, 'output', m.list_output)), '{}')
    from model m;
$$;
comment on function mirror.prices_held is 'By model what lists of prices make the catalog say now.';
