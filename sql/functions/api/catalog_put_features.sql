create or replace function api.catalog_put_features(features jsonb) returns void
language plpgsql
set search_path = public, pg_temp
as $$
begin
    if exists (select from jsonb_array_elements(features) f
               where coalesce(lib.micro(f, 'credits'), -1) < 0) then
        perform lib.invalid('credits', 'an amount of credits as "12.5", not negative');
    end if;

    update feature f set active = false where not features @> jsonb_build_array(jsonb_build_object('code', f.code));
    insert into feature (code, name, credits, units)
    select lib.arg_code(f, 'code'), lib.arg_text(f, 'name', true), lib.micro(f, 'credits'),
           lib.arg_int(f, 'units', 0, 1000000000, 1)
    from jsonb_array_elements(features) f
    on conflict (code) do update
    set name = excluded.name, credits = excluded.credits, units = excluded.units, active = true;
end $$;
comment on function api.catalog_put_features is 'Replaces the features.';
