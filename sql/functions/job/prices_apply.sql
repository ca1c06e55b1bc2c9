create or replace function job.prices_apply(due_at timestamptz) returns jsonb
language plpgsql
set search_path = public, pg_temp
as $$
declare
    before jsonb;
    after jsonb;
    changed bigint;
begin
    perform pg_advisory_xact_lock(hashtext('tollgate.catalog'));
    before := mirror.prices_held();
    changed := mirror.prices_apply();
    if changed > 0 then
        after := mirror.prices_held();
        perform lib.audit('{}', 'prices.apply', 'prices',
            (select jsonb_object_agg(key, value) from jsonb_each(after) where value <> before -> key),
            before => (select jsonb_object_agg(key, value) from jsonb_each(before) where value <> after -> key));
    end if;

    return jsonb_build_object('changed', changed);
end $$;
comment on function job.prices_apply is 'Switches the catalog to the prices whose time has come.';
