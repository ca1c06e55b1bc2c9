create or replace function ledger.behind_end() returns bigint
language plpgsql
set search_path = public, pg_temp
as $$
begin
    update stream_behind b set ended_at = lib.now()
    from stream_cursor c
    where b.ended_at is null and c.stream = b.stream and not ledger.id_after(b.settled, c.last_id);

    return (select count(*) from stream_behind where ended_at is null);
end $$;
comment on function ledger.behind_end is 'Notes which streams are settled as far as they had been before; how many are not.';
