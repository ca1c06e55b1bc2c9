create or replace function lib.credits(micro bigint) returns text
language sql immutable strict
as $$
    select trim_scale(micro::numeric / 1000000)::text;
$$;
comment on function lib.credits is 'Micro-credits as a decimal string.';
