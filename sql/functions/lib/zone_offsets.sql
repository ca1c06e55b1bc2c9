create or replace function lib.zone_offsets(zone text, since timestamptz, until timestamptz) returns text
language sql stable strict
as $$
    with week as (
        select at, lib.zone_offset(zone, at) as before, lib.zone_offset(zone, at + interval '168 hours') as after
        from generate_series(since, until, interval '168 hours') at
    ), hour as (
        select (select min(h) from generate_series(w.at, w.at + interval '168 hours', interval '1 hour') h
                where lib.zone_offset(zone, h) = w.after) as at, w.after
        from week w where w.before <> w.after
    ), change as (
        -- clocks are changed on a full minute
        select (select min(m) from generate_series(h.at - interval '1 hour', h.at, interval '1 minute') m
                where lib.zone_offset(zone, m) = h.after) as at, h.after
        from hour h
    )
    select concat_ws(' ', lib.zone_offset(zone, since),
                     string_agg(extract(epoch from at)::bigint || ' ' || after, ' ' order by at))
    from change;
$$;
comment on function lib.zone_offsets is 'The offsets of a time zone in seconds, from one time to another, as the gate reads them: the first, then when and to what each changes, once a week at most.';
