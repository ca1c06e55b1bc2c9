create or replace function api.catalog_put(args jsonb) returns jsonb
language plpgsql
set search_path = public, pg_temp
as $$
declare
    before jsonb;
    app jsonb;
begin
    perform pg_advisory_xact_lock(hashtext('tollgate.catalog'));
    before := api.catalog_get('{}');

    perform api.catalog_check(args -> 'features', 'features');
    perform api.catalog_check(args -> 'apps', 'apps');
    if args ? 'tiers' then
        perform api.catalog_check(args -> 'tiers', 'tiers');
        perform api.catalog_put_tiers(args -> 'tiers');
    end if;
    perform api.catalog_put_features(args -> 'features');

    update catalog_app a set active = false where not args -> 'apps' @> jsonb_build_array(jsonb_build_object('code', a.code));
    update model set active = false;
    for app in select value from jsonb_array_elements(args -> 'apps') loop
        insert into catalog_app (code, name)
        values (lib.arg_code(app, 'code'), lib.arg_text(app, 'name', true))
        on conflict (code) do update set name = excluded.name, active = true;
        perform api.catalog_check(coalesce(app -> 'models', '[]'), 'models');
        perform api.catalog_put_models(app ->> 'code', coalesce(app -> 'models', '[]'));
    end loop;

    if api.catalog_get('{}') is distinct from before then
        perform mirror.catalog_changed();
        perform lib.audit(args, 'catalog.put', 'catalog',
                          api.catalog_get('{}'), before => before);
    end if;

    return api.catalog_get('{}');
end $$;
comment on function api.catalog_put is 'Replaces the catalog; what is left out is no longer priced, and the same again changes nothing.';
