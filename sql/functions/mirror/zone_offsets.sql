create or replace function mirror.zone_offsets(zone text) returns text
language sql stable
as $$
    select case when zone <> 'UTC' then
        lib.zone_offsets(zone, mirror.zone_since(), date_trunc('year', lib.now() + interval '6 years', 'UTC')) end;
$$;
comment on function mirror.zone_offsets is 'How the clocks of a time zone go in the years ahead, as wallets are told; null of UTC.';
