create or replace function api.content_remove(args jsonb) returns jsonb
language plpgsql
set search_path = public, pg_temp
as $$
declare
    target content_pricing;
begin
    perform pg_advisory_xact_lock(hashtext('tollgate.catalog'));
    target := api.content_find(args);

    update content_pricing c set active = false where c.code = target.code;
    perform mirror.catalog_changed();
    perform lib.audit(args, 'content.remove', target.code, before => api.content_json(target));

    return api.content_json(target);
end $$;
comment on function api.content_remove is 'Takes content or a bundle out of the catalog; entitlements to it stay and count again when it comes back.';
