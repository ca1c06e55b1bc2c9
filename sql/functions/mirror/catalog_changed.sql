create or replace function mirror.catalog_changed() returns void
language sql
set search_path = public, pg_temp
as $$
    update catalog_version set version = version + 1;
    select pg_notify('tollgate_mirror', '');
$$;
comment on function mirror.catalog_changed is 'Gives the catalog a new version, which the mirror carries to Redis.';
