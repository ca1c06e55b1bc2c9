create or replace function lib.rate_us(rate text) returns bigint
language sql immutable strict
as $$
    select ceil(case right(rate, 1) when 's' then 1 when 'm' then 60 when 'h' then 3600 when 'd' then 86400 end
                * 1000000::bigint / left(rate, -2)::numeric)::bigint;
$$;
comment on function lib.rate_us is 'Microseconds between the requests of a rate such as 5/s.';
