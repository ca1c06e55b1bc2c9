create or replace function lib.local_instant(local timestamp, zone text) returns timestamptz
language plpgsql stable strict
as $$
declare
    before int := lib.zone_offset(zone, (local - interval '1 day') at time zone 'UTC');
    after int := lib.zone_offset(zone, (local + interval '1 day') at time zone 'UTC');
    by_before timestamptz := (local at time zone 'UTC') - make_interval(secs => before);
    by_after timestamptz := (local at time zone 'UTC') - make_interval(secs => after);
begin
    if lib.zone_offset(zone, by_before) = before then
        return by_before;
    end if;
    if lib.zone_offset(zone, by_after) = after then
        return by_after;
    end if;

    return (select min(m)
            from generate_series(date_trunc('minute', by_after), by_before + interval '1 minute', interval '1 minute') m
            where lib.zone_offset(zone, m) = after);
end $$;
comment on function lib.local_instant is 'When the clocks of a time zone show a time: first, where they do so twice; right after the gap, where they leave it out.';
