create or replace function lib.clock_freeze(at timestamptz) returns void
language sql
set search_path = public, pg_temp
as $$
    insert into test_clock (frozen_at) values (at)
    on conflict (only_row) do update set frozen_at = excluded.frozen_at;
$$;
comment on function lib.clock_freeze is 'Stops lib.now() at a time, null lets it run again; for tests.';
