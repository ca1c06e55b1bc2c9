create or replace function lib.now() returns timestamptz
language sql stable
set search_path = public, pg_temp
as $$
    select coalesce((select frozen_at from test_clock), statement_timestamp());
$$;
comment on function lib.now is 'The time of the business: the frozen clock where there is one, else now.';
