create or replace function mirror.zone_since() returns timestamptz
language sql stable
as $$
    -- whole years, so that what wallets are told changes once a year
    select date_trunc('year', lib.now() - interval '1 year', 'UTC');
$$;
comment on function mirror.zone_since is 'From when on the edge is told how clocks go.';
