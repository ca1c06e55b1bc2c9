create or replace function api.limits_replace(kind text, holder text, list jsonb) returns bigint[]
language plpgsql
set search_path = public, pg_temp
as $$
declare
    fresh usage_limit[];
    removed bigint[];
begin
    if list is null or list = 'null' then
        list := '[]';
    end if;
    if jsonb_typeof(list) <> 'array' or jsonb_array_length(list) > 8 then
        perform lib.invalid('limits', 'a list of at most 8 limits');
    end if;

    select array_agg(r order by n) into fresh
    from jsonb_array_elements(list) with ordinality i (item, n)
    cross join lateral api.limit_row(item, format('limits[%s].', n - 1), kind) r;
    if exists (select from unnest(fresh) f group by f.name having count(*) > 1) then
        perform lib.invalid('limits', 'limits with a name of their own each');
    end if;

    -- what counts something else, or by others, is another limit
    with gone as (
        delete from usage_limit l
        where l.holder_kind = limits_replace.kind and l.holder = limits_replace.holder
          and not exists (select from unnest(fresh) f where (f.name, f.meter, f.per) = (l.name, l.meter, l.per))
        returning l.id
    )
    select coalesce(array_agg(id), '{}') into removed from gone;

    insert into usage_limit as l (plan, account, app, key, name, meter, max, "window", align, rate, lease_ms, per,
                                  feature, effect, thresholds, since)
    select case kind when 'plan' then limits_replace.holder end, case kind when 'account' then limits_replace.holder end,
           case kind when 'app' then limits_replace.holder end, case kind when 'key' then limits_replace.holder end,
           f.name, f.meter, f.max, f."window", f.align, f.rate, f.lease_ms, f.per, f.feature, f.effect, f.thresholds,
           lib.now()
    from unnest(fresh) f
    on conflict on constraint usage_limit_holder_kind_holder_name_key do update
    set max = excluded.max, "window" = excluded."window", align = excluded.align, rate = excluded.rate,
        lease_ms = excluded.lease_ms, feature = excluded.feature, effect = excluded.effect,
        thresholds = excluded.thresholds;

    return removed;
end $$;
comment on function api.limits_replace is 'Gives a plan, account, app or key the limits of a list in the place of those it had; ids of those that are gone.';
