create or replace function api.catalog_get(args jsonb) returns jsonb
language sql stable
set search_path = public, pg_temp
as $$
    select jsonb_build_object(
        'version', (select version from catalog_version),
        'tiers', (select jsonb_agg(jsonb_build_object('rank', rank, 'code', code, 'name', name) order by rank)
                  from tier),
        'features', coalesce((select jsonb_agg(jsonb_build_object('code', code, 'name', name,
                                         'credits', lib.credits(credits), 'units', units) order by code)
                              from feature where active), '[]'),
        'apps', coalesce((select jsonb_agg(jsonb_build_object('code', a.code, 'name', a.name, 'models',
                    coalesce((select jsonb_agg(jsonb_build_object('code', m.code, 'name', m.name,
                                         'feature', m.feature, 'tier', t.code, 'credits', lib.credits(m.credits),
                                         'units', m.units, 'beta', m.beta) order by m.tier, m.code)
                              from model m join tier t on t.rank = m.tier
                              where m.app = a.code and m.active), '[]')) order by a.code)
                          from catalog_app a where a.active), '[]'));
$$;
comment on function api.catalog_get is 'The catalog, in the form in which it can be put.';
