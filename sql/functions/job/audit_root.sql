create or replace function job.audit_root(due_at timestamptz) returns jsonb
language plpgsql
set search_path = public, pg_temp
as $$
declare
    wanted date := (due_at at time zone 'UTC')::date - 1;
    last audit_root;
    fresh audit_root;
begin
    -- who holds this has seen every row that was written, and nobody writes meanwhile
    perform pg_advisory_xact_lock(hashtext('tollgate.audit_log'));

    select * into last from audit_root order by day desc limit 1;
    if last.day >= wanted then
        return jsonb_build_object('day', last.day, 'root', last.hash, 'made', false);
    end if;

    -- a row that comes later with an earlier time is in a later root
    fresh := lib.audit_root_of(wanted, last.last_row,
                               coalesce((select a.id - 1 from audit_log a
                                         where a.id > coalesce(last.last_row, 0)
                                           and a.at >= (wanted + 1)::timestamp at time zone 'UTC'
                                         order by a.id limit 1),
                                        (select max(a.id) from audit_log a), 0),
                               coalesce(last.hash, ''),
                               (select s.no from ledger_seal s order by s.no desc limit 1));
    insert into audit_root select fresh.*;

    return jsonb_build_object('day', wanted, 'root', fresh.hash, 'rows', fresh.rows, 'seal', fresh.seal, 'made', true);
end $$;
comment on function job.audit_root is 'Makes the root of the audit log of the day before the due time; its summary leaves the database by the log.';
