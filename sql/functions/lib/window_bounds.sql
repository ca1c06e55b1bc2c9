create or replace function lib.window_bounds("window" text, align text, zone text, anchor timestamptz, at timestamptz,
                                             out starts timestamptz, out ends timestamptz)
language plpgsql stable
as $$
declare
    step constant interval := case when "window" <> 'life' then ('1 ' || "window")::interval end;
    local timestamp := at at time zone zone;
    origin timestamp;
    age interval;
    n int;
begin
    if "window" = 'life' then
        starts := to_timestamp(0);

    elsif "window" in ('minute', 'hour') then
        starts := date_bin(step, at, case when align = 'anniversary' then anchor
                                          else to_timestamp(-lib.zone_offset(zone, at)) end);
        ends := starts + step;

    elsif align = 'anniversary' then
        -- from the anchor, not from the one before, so that the 31st stays the 31st
        origin := anchor at time zone zone;
        age := age(local, origin);
        n := case "window" when 'month' then extract(year from age) * 12 + extract(month from age)
                           else floor(extract(epoch from local - origin) / extract(epoch from step)) end;
        select s.at, lib.local_instant(origin + (k + 1) * step, zone) into starts, ends
        from generate_series(n - 1, n + 1) k
        cross join lateral (select lib.local_instant(origin + k * step, zone) as at) s
        where s.at <= window_bounds.at
        order by k desc
        limit 1;

    else
        local := date_trunc("window", local);
        starts := lib.local_instant(local, zone);
        ends := lib.local_instant(local + step, zone);
    end if;
end $$;
comment on function lib.window_bounds is 'The window of a quota that holds a time, as the gate counts it: by the calendar of a time zone, or by anniversaries of an anchor.';
