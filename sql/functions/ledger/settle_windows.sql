create or replace function ledger.settle_windows(kind text)
returns table (account text, at timestamptz, request_id text, units bigint, "window" text, start timestamptz)
language sql stable
set search_path = public, pg_temp
as $$
    with used as (
        select c.account, c.at, e.request_id, e.units
        from settle_checked c join settle_event e on e.id = c.id
        where c.fault = '' and c.kind = settle_windows.kind and e.units > 0
    ), calendar as materialized (
        select c.*, c.zone = 'UTC' and c.align = 'calendar' as plain,
               (select min(u.at) from used u where u.account = c.account) as first
        from account_calendar c
        where c.account in (select u.account from used u)
    ), early as materialized (
        -- of what is not the day or month of UTC, the window that the first one is in
        select c.account, unit, w.starts, w.ends
        from calendar c
        cross join (values ('day'), ('month')) units (unit)
        cross join lateral lib.window_bounds(unit, c.align, c.zone, c.anchor, c.first) w
        where not c.plain
    )
    select u.account, u.at, u.request_id, u.units, n.unit,
           case when c.plain then date_trunc(n.unit, u.at at time zone 'UTC') at time zone 'UTC'
                when u.at < e.ends then e.starts
                else (lib.window_bounds(n.unit, c.align, c.zone, c.anchor, u.at)).starts end
    from used u
    join calendar c on c.account = u.account
    cross join (values ('day'), ('month')) n (unit)
    left join early e on e.account = u.account and e.unit = n.unit;
$$;
comment on function ledger.settle_windows is 'Units of the sound events of a kind in settle_event, with the windows of day and month that they count in.';
