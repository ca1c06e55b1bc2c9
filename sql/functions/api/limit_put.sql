create or replace function api.limit_put(args jsonb) returns jsonb
language plpgsql
set search_path = public, pg_temp
as $$
declare
    target record := api.limit_holder(args);
    wanted text := lib.arg_code(args, 'name');
    given jsonb;
    before jsonb;
    list jsonb;
    answer jsonb;
begin
    select coalesce(jsonb_object_agg(key, value), '{}') into given
    from jsonb_each(args)
    where key in ('name', 'meter', 'max', 'window', 'align', 'per', 'feature', 'effect', 'thresholds', 'rate', 'burst', 'lease');

    list := api.limits_json(target.kind, target.holder);
    -- what is not given stays, unless the limit becomes another
    select e into before from jsonb_array_elements(list) e
    where e ->> 'name' = wanted and e -> 'meter' = coalesce(given -> 'meter', e -> 'meter');
    if given ->> 'window' = 'life' then
        before := before - 'align';
    end if;

    perform api.limits_set(args, target.kind, target.holder,
        (select coalesce(jsonb_agg(e), '[]') from jsonb_array_elements(list) e where e ->> 'name' <> wanted)
        || jsonb_build_array(coalesce(before, '{}') || given));

    select api.limit_json(l) || jsonb_build_object('id', l.id::text, 'holder', l.holder_kind, 'of', l.holder) into answer
    from usage_limit l
    where l.holder_kind = target.kind and l.holder = target.holder and l.name = wanted;
    return answer;
end $$;
comment on function api.limit_put is 'Makes a limit of a plan, account, app or key, or changes what is given of it.';
