create or replace function api.catalog_put_models(app text, models jsonb) returns void
language plpgsql
set search_path = public, pg_temp
as $$
declare
    unknown text;
begin
    select m ->> 'feature' into unknown from jsonb_array_elements(models) m
    where not exists (select from feature f where f.code = m ->> 'feature' and f.active);
    if found then
        perform lib.invalid('feature', format('the code of a feature of this catalog, which "%s" is not',
                                              left(coalesce(unknown, ''), 64)));
    end if;

    select m ->> 'tier' into unknown from jsonb_array_elements(models) m
    where not exists (select from tier t where t.code = m ->> 'tier');
    if found then
        perform lib.invalid('tier', 'one of ' || (select string_agg(code, ', ' order by rank) from tier));
    end if;

    if catalog_put_models.app ~ ':' or exists (select from jsonb_array_elements(models) m
                                               where length(app || ':' || lib.arg_code(m, 'code')) > 64) then
        perform lib.invalid('code', 'such that "app:model" has one colon before the model and at most 64 characters');
    end if;

    if exists (select from jsonb_array_elements(models) m where lib.micro(m, 'credits') < 0) then
        perform lib.invalid('credits', 'an amount of credits as "12.5", not negative');
    end if;

    insert into model (key, app, code, name, feature, tier, credits, units, beta)
    select catalog_put_models.app || ':' || lib.arg_code(m, 'code'), catalog_put_models.app, m ->> 'code',
           lib.arg_text(m, 'name', true), m ->> 'feature', t.rank, lib.micro(m, 'credits'),
           lib.arg_int(m, 'units', 0, 1000000000), lib.arg_bool(m, 'beta', false)
    from jsonb_array_elements(models) m join tier t on t.code = m ->> 'tier'
    on conflict (key) do update
    set name = excluded.name, feature = excluded.feature, tier = excluded.tier, credits = excluded.credits,
        units = excluded.units, beta = excluded.beta, active = true;
end $$;
comment on function api.catalog_put_models is 'Puts the models of an app of the catalog.';
