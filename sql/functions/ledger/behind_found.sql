create or replace function ledger.behind_found(stream text, cursor text, trimmed text, settled text, settled_ms bigint)
returns boolean
language plpgsql
set search_path = public, pg_temp
as $$
declare
    gap boolean := ledger.id_after(trimmed, cursor);
    -- what usage records told is gone; no balance depends on it, so that their streams go on
    usage boolean := behind_found.stream like 'tg:{usage}:%';
begin
    -- one that was open in the backup is of an earlier time
    update stream_behind b set ended_at = lib.now()
    where b.stream = behind_found.stream and b.ended_at is null
      and (ledger.id_after(behind_found.settled, b.settled) or gap and (not b.is_gap or b.caught_up_at is not null));

    insert into stream_behind (stream, cursor, trimmed, settled, settled_at, is_gap, found_at, ended_at)
    select behind_found.stream, behind_found.cursor, behind_found.trimmed, behind_found.settled,
           to_timestamp(settled_ms / 1000.0), gap, lib.now(), case when usage then lib.now() end
    where not usage or not exists (select from stream_behind b
                                   where b.stream = behind_found.stream and b.cursor = behind_found.cursor)
    on conflict do nothing;

    if found and gap then
        insert into alert (at, kind, detail)
        select lib.now(), case when usage then 'usage_lost' else 'postgres_behind' end,
               jsonb_build_object('stream', behind_found.stream, 'from', behind_found.cursor,
                                  'to', behind_found.trimmed)
        where usage or not exists (select from alert where kind = 'postgres_behind' and closed_at is null);
    end if;

    return gap;
end $$;
comment on function ledger.behind_found is 'Notes once that this database has less of a stream than was settled before; whether some of it is gone from Redis, of which an alert tells.';
