create or replace function api.content_load(args jsonb) returns jsonb
language plpgsql
set search_path = public, pg_temp
as $$
declare
    unknown text;
    changed bigint;
    before jsonb;
begin
    perform pg_advisory_xact_lock(hashtext('tollgate.catalog'));
    perform api.catalog_check(args -> 'content', 'content');

    before := api.content_rows(args -> 'content');
    -- a row that is as it was is not written, so that the same again changes nothing
    insert into content_pricing as c
    select (api.content_row(value)).* from jsonb_array_elements(args -> 'content')
    on conflict (code) do update
    set (title, kind, credits, view_window, views, span, days, tier, bundles, active)
        = (excluded.title, excluded.kind, excluded.credits, excluded.view_window, excluded.views, excluded.span,
           excluded.days, excluded.tier, excluded.bundles, true)
    where c is distinct from excluded;
    get diagnostics changed = row_count;

    select b into unknown from jsonb_array_elements(args -> 'content') item
    cross join jsonb_array_elements_text(case jsonb_typeof(item -> 'bundles') when 'array' then item -> 'bundles' else '[]' end) b
    where not exists (select from content_pricing c where c.code = b and c.kind = 'bundle' and c.active)
    limit 1;
    if found then
        perform lib.invalid('bundles', format('codes of bundles, which "%s" is not', left(unknown, 64)));
    end if;

    if changed > 0 then
        perform mirror.catalog_changed();
        perform lib.audit(args, 'content.load', 'content', api.content_rows(args -> 'content'), before => before);
    end if;

    return jsonb_build_object('content', jsonb_array_length(args -> 'content'), 'changed', changed);
end $$;
comment on function api.content_load is 'Adds and replaces content and bundles, all or none of a list; what it leaves out stays.';
