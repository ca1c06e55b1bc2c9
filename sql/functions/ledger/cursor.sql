create or replace function ledger.cursor(stream text) returns text
language sql stable
set search_path = public, pg_temp
as $$
    select coalesce((select last_id from stream_cursor c where c.stream = cursor.stream), '0-0');
$$;
comment on function ledger.cursor is 'Id of the last entry of a stream that is settled.';
