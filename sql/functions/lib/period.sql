create or replace function lib.period(anchor timestamptz, step interval, n int) returns timestamptz
language sql immutable
as $$
    select ((anchor at time zone 'UTC') + n * step) at time zone 'UTC';
$$;
comment on function lib.period is 'Start of period n: anchor + n * interval in UTC, clamped to the end of the month.';
