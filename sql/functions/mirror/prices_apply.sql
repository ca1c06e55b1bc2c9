create or replace function mirror.prices_apply() returns bigint
language plpgsql
set search_path = public, pg_temp
as $$
declare
    changed bigint;
begin
    with holds as (
        -- a million of what is priced by the piece, a part of a micro-credit rounded up
        select h.model, h.unit, h.credits, h.tier,
               least(ceil(h.credits::numeric * 1000000 / h.per), 9007199254740991)::bigint as million
        from price_period h
        where h.effective_from <= lib.now() and (h.effective_to is null or h.effective_to > lib.now())
    ), tokens as (
        -- without a price of their own cached tokens cost what others do
        select model, coalesce(max(million) filter (where unit = 'input_token'), 0) as input,
               coalesce(max(million) filter (where unit = 'cached_input_token'),
                        max(million) filter (where unit = 'input_token'), 0) as cached,
               coalesce(max(million) filter (where unit = 'output_token'), 0) as output
        from holds
        where unit in ('cached_input_token', 'input_token', 'output_token')
        group by model
    )
    update model m
    set list_credits = p.credits, list_tier = p.tier, list_input = p.input, list_cached = p.cached,
        list_output = p.output
    from (select k.key, h.credits, h.tier, t.input, t.cached, t.output
          from model k left join holds h on h.model = k.key and h.unit = 'request'
              left join tokens t on t.model = k.key) p
    where p.key = m.key
      and (m.list_credits, m.list_tier, m.list_input, m.list_cached, m.list_output)
          is distinct from (p.credits, p.tier, p.input, p.cached, p.output);
    get diagnostics changed = row_count;
    if changed > 0 then
        perform mirror.catalog_changed();
    end if;

    return changed;
end $$;
comment on function mirror.prices_apply is 'Makes the prices of requests and tokens that hold now those of the catalog; returns of how many models they changed.';
