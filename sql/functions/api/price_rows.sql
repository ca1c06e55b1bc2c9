create or replace function api.price_rows(prices jsonb, effective timestamptz)
returns table (model text, unit text, effective_from timestamptz, effective_to timestamptz, provider text, per bigint,
               credits bigint, tier smallint, cost bigint, currency text, note text)
language sql stable
set search_path = public, pg_temp
as $$
    select r.model, r.unit, greatest(r.effective_from, effective), r.effective_to, r.members ->> 'provider',
           coalesce(r.members ->> 'per', '1')::bigint, lib.micro(r.members, 'credits'),
           (select t.rank from tier t where t.code = r.members ->> 'tier'),
           lib.decimal(r.members, 'cost', 9, 'an amount'), r.members ->> 'currency', r.members ->> 'note'
    from api.price_raw(prices, effective) r
    where r.effective_to is null or r.effective_to > effective;
$$;
comment on function api.price_rows is 'A list of prices without faults as rows of model_price, from the day on that it is for.';
