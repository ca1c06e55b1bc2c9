create or replace function job.prices_apply(due_at timestamptz) returns jsonb
language plpgsql
set search_path = public, pg_temp
as $$
begin
    perform pg_advisory_xact_lock(hashtext('tollgate.catalog'));

    return jsonb_build_object('changed', mirror.prices_apply());
end $$;
comment on function job.prices_apply is 'Switches the catalog to the prices whose time has come.';
