create or replace function lib.zone_offset(zone text, at timestamptz) returns int
language sql stable strict
as $$
    select extract(epoch from (at at time zone zone) - (at at time zone 'UTC'))::int;
$$;
comment on function lib.zone_offset is 'Seconds that the clocks of a time zone are ahead of UTC at a time.';
