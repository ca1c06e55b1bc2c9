create or replace function api.price_raw(prices jsonb, effective timestamptz)
returns table (line bigint, members jsonb, model text, unit text, effective_from timestamptz, effective_to timestamptz)
language sql stable
set search_path = public, pg_temp
as $$
    select case when p.row ->> 'line' ~ '^\d{1,9}$' then (p.row ->> 'line')::bigint else p.place end,
           p.row - 'line', p.row ->> 'model', p.row ->> 'unit',
           case when p.row ->> 'effective_from' is null then effective
                else lib.try_time(p.row ->> 'effective_from') end,
           case when p.row ->> 'effective_to' is not null then lib.try_time(p.row ->> 'effective_to') end
    from jsonb_array_elements(prices) with ordinality p (row, place);
$$;
comment on function api.price_raw is 'The rows of a list of prices as they came, each with its line and its dates.';
