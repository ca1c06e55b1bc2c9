create or replace function lib.time(at timestamptz) returns text
language sql immutable strict
as $$
    select to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS')
           || case when date_trunc('second', at) = at then '' else to_char(at at time zone 'UTC', '.US') end
           || 'Z';
$$;
comment on function lib.time is 'A time in RFC 3339, UTC.';
