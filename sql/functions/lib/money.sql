create or replace function lib.money(minor bigint, currency text) returns text
language sql immutable strict
as $$
    select round(minor::numeric / 10::numeric ^ lib.currency_scale(currency), lib.currency_scale(currency))::text;
$$;
comment on function lib.money is 'Minor units of a currency as a decimal string.';
