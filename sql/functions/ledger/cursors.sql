create or replace function ledger.cursors() returns table (stream text, last_id text)
language sql stable
set search_path = public, pg_temp
as $$
    select stream, last_id from stream_cursor;
$$;
comment on function ledger.cursors is 'Ids of the last settled entries of all streams of which some is.';
