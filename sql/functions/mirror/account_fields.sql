create or replace function mirror.account_fields(a account, anchor timestamptz, offsets text) returns jsonb
language sql stable
as $$
    -- before the first change that the edge knows of, the offset is that at the anchor, from which it counts
    select jsonb_strip_nulls(jsonb_build_object(
               'anchor', extract(epoch from anchor)::bigint::text,
               'zone', case when anchor < mirror.zone_since()
                                 and lib.zone_offset(a.time_zone, anchor) <> split_part(offsets, ' ', 1)::int
                            then concat_ws(' ', lib.zone_offset(a.time_zone, anchor),
                                           extract(epoch from mirror.zone_since())::bigint, offsets)
                            else offsets end,
               'low', nullif(array_to_string(a.low_balance, ','), ''),
               'overdraft', nullif(a.overdraft, 0)::text));
$$;
comment on function mirror.account_fields is 'What the wallet of an account has to know of time, low balance and overdraft, given the offsets of its time zone.';
