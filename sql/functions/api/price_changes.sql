create or replace function api.price_changes(prices jsonb, effective timestamptz) returns jsonb
language sql stable
set search_path = public, pg_temp
as $$
    with was as materialized (
        select model, unit, greatest(effective_from, effective) as starts, coalesce(effective_to, 'infinity') as ends,
               per, credits, api.price_json(provider, per, credits, tier, cost, currency, note) as price
        from price_period
        where effective_to is null or effective_to > effective
    ), will as materialized (
        select model, unit, effective_from as starts, coalesce(effective_to, 'infinity') as ends,
               per, credits, api.price_json(provider, per, credits, tier, cost, currency, note) as price
        from api.price_rows(prices, effective)
    ), moment as (
        select model, unit, starts as at from was
        union select model, unit, ends from was where ends < 'infinity'
        union select model, unit, starts from will
        union select model, unit, ends from will where ends < 'infinity'
    ), step as (
        select m.model, m.unit, m.at, was.price as "from", will.price as "to",
               case when was.price is null then 'added' when will.price is null then 'removed'
                    when was.price = will.price then 'unchanged' else 'changed' end as change,
               round(100 * (will.credits * was.per::numeric / nullif(will.per * was.credits::numeric, 0) - 1), 1)
                   as percent
        from moment m
        left join was on was.model = m.model and was.unit = m.unit and was.starts <= m.at and m.at < was.ends
        left join will on will.model = m.model and will.unit = m.unit and will.starts <= m.at and m.at < will.ends
        where was.price is not null or will.price is not null
    )
    select jsonb_build_object(
        'changes', coalesce(jsonb_agg(jsonb_build_object('change', change, 'model', model, 'unit', unit,
                       'at', lib.time(at), 'from', "from", 'to', "to", 'percent', percent::text)
                       order by model collate "C", unit collate "C", at) filter (where change <> 'unchanged'), '[]'),
        'added', count(*) filter (where change = 'added'), 'changed', count(*) filter (where change = 'changed'),
        'removed', count(*) filter (where change = 'removed'), 'unchanged', count(*) filter (where change = 'unchanged'))
    from step;
$$;
comment on function api.price_changes is 'What a list of prices would change, at each moment at which a price begins or ends.';
