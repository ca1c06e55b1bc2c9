create or replace function ledger.settle_fold_windows(plain fold[])
returns table (account text, units bigint, "window" text, starts timestamptz)
language sql stable
set search_path = public, pg_temp
as $$
    select f.account, f.units, n.unit, w.starts
    from unnest(plain) f
    cross join lateral (select to_timestamp(f.first_us / 1000000.0) as at, to_timestamp(f.last_us / 1000000.0) as last) t
    join account_calendar c on c.account = f.account
    cross join (values ('day'), ('month')) n (unit)
    cross join lateral lib.window_bounds(n.unit, c.align, c.zone, c.anchor, t.at) w
    where f.units > 0 and t.last < w.ends;
$$;
comment on function ledger.settle_fold_windows is 'Units of these accounts with the windows of day and month that they count in, where that is one each.';
