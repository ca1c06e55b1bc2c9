create or replace function api.limit_remove(args jsonb) returns jsonb
language plpgsql
set search_path = public, pg_temp
as $$
declare
    target record := api.limit_holder(args);
    gone usage_limit;
begin
    select * into gone from usage_limit l
    where l.holder_kind = target.kind and l.holder = target.holder and l.name = args ->> 'name';
    if not found then
        perform lib.refuse(404, 'limit_not_found', format('the %s "%s" has no limit "%s"', target.kind, target.holder,
                                                          left(args ->> 'name', 64)));
    end if;

    perform api.limits_set(args, target.kind, target.holder,
        (select coalesce(jsonb_agg(e), '[]') from jsonb_array_elements(api.limits_json(target.kind, target.holder)) e
         where e ->> 'name' <> gone.name));

    return api.limit_json(gone) || jsonb_build_object('id', gone.id::text, 'holder', target.kind, 'of', target.holder);
end $$;
comment on function api.limit_remove is 'Ends a limit, which it returns.';
