create or replace function ledger.cursor_move(stream text, from_id text, to_id text) returns void
language plpgsql
set search_path = public, pg_temp
as $$
begin
    insert into stream_cursor (stream, moved_at) values (cursor_move.stream, clock_timestamp())
    on conflict do nothing;

    update stream_cursor c set last_id = to_id, moved_at = clock_timestamp()
    where c.stream = cursor_move.stream and c.last_id = from_id;

    if not found then
        raise exception 'cursor_moved' using errcode = 'PT409',
            detail = format('the cursor of %s is not at %s', cursor_move.stream, from_id);
    end if;
end $$;
comment on function ledger.cursor_move is 'Moves the cursor of a stream, and holds it until the transaction ends; raises cursor_moved if it was elsewhere.';
