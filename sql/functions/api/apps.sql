create or replace function api.apps(args jsonb) returns jsonb
language sql stable
set search_path = public, pg_temp
as $$
    select jsonb_build_object('data', coalesce(jsonb_agg(jsonb_build_object('id', a.code, 'name', a.name,
               'models', (select count(*) from model m join feature f on f.code = m.feature
                          where m.app = a.code and m.active and f.active)) order by a.code), '[]'))
    from catalog_app a where a.active;
$$;
comment on function api.apps is 'The apps of the catalog.';
