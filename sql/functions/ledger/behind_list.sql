create or replace function ledger.behind_list()
returns table (stream text, cursor text, trimmed text, settled text, is_gap boolean)
language sql stable
set search_path = public, pg_temp
as $$
    select stream, cursor, trimmed, settled, is_gap and caught_up_at is null
    from stream_behind
    where ended_at is null
    order by stream;
$$;
comment on function ledger.behind_list is 'Streams of which this database has less than was settled before.';
