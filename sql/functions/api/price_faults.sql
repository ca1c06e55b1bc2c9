create or replace function api.price_faults(prices jsonb, effective timestamptz) returns jsonb
language sql stable
set search_path = public, pg_temp
as $$
    with raw as materialized (
        select * from api.price_raw(prices, effective)
    ), clash as (
        select line, lag(line) over same_price as other,
               effective_from < max(coalesce(effective_to, 'infinity'))
                   over (same_price rows between unbounded preceding and 1 preceding) as clashes
        from raw
        where model is not null and unit is not null and effective_from is not null
        window same_price as (partition by model, unit order by effective_from, line)
    ), fault as (
        select r.line, f.member, f.detail
        from raw r
        cross join lateral (select r.members ->> 'per' as per, r.members ->> 'cost' as cost,
                                   r.members ->> 'currency' as currency, r.members ->> 'tier' as tier,
                                   r.members ->> 'provider' as provider, r.members ->> 'note' as note) m
        cross join lateral (values
            ('model', case when not exists (select from model k where k.key = r.model and k.active)
                      then 'must be a model of the catalog, as app:model' end),
            ('unit', case when r.unit is null or r.unit <> all (api.price_units())
                     then 'must be one of ' || array_to_string(api.price_units(), ', ') end),
            ('per', case when m.per !~ '^[1-9]\d{0,9}$' or m.per::numeric > 1000000000
                              or (r.unit = 'request' and m.per <> '1')
                    then 'must be an integer from 1 to 1000000000, and 1 for the unit request' end),
            ('credits', lib.decimal_fault(r.members ->> 'credits', 6)),
            ('tier', case when m.tier is not null and r.unit <> 'request' then 'goes with the unit request alone'
                          when m.tier is not null and not exists (select from tier t where t.code = m.tier)
                     then 'must be one of ' || (select string_agg(code, ', ' order by rank) from tier) end),
            ('cost', case when m.cost is not null then lib.decimal_fault(m.cost, 9)
                          when m.currency is not null then 'is missing' end),
            ('currency', case when (m.cost is not null or m.currency is not null)
                                   and coalesce(m.currency, '') !~ '^[A-Z]{3}$'
                         then 'must be a code as THB' end),
            ('provider', case when m.provider !~ '^[a-z0-9][a-z0-9._:-]{0,63}$'
                         then 'must be a code of a-z, 0-9, ".", "_", ":" and "-"' end),
            ('note', case when length(m.note) > 200 or m.note ~ '[\x01-\x1f\x7f]'
                     then 'must be at most 200 characters without control characters' end),
            ('effective_from', case when r.effective_from is null then 'must be a time as 2027-01-31T00:00:00Z' end),
            ('effective_to', case
                when r.members ->> 'effective_to' is not null and r.effective_to is null
                then 'must be a time as 2027-01-31T00:00:00Z'
                when r.effective_to <= r.effective_from then 'must be after effective_from' end)
        ) f (member, detail)
        where f.detail is not null
        union all
        select line, 'model', format('has a price for this unit and time already, on line %s', other)
        from clash where clashes
        union all
        select min(r.line), k.name, 'is no column of a price list'
        from raw r, jsonb_object_keys(r.members) k (name)
        where k.name not in ('model', 'unit', 'provider', 'per', 'credits', 'tier', 'cost', 'currency',
                             'effective_from', 'effective_to', 'note')
        group by k.name
        union all
        select r.line, e.key, 'must be a text'
        from raw r, jsonb_each(r.members) e
        where jsonb_typeof(e.value) not in ('string', 'number', 'null')
    )
    select coalesce(jsonb_agg(jsonb_build_object('line', line, 'member', left(member, 64), 'detail', detail)
                              order by line, member, detail), '[]')
    from fault;
$$;
comment on function api.price_faults is 'All that is wrong with a list of prices, by line.';
