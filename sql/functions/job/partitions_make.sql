create or replace function job.partitions_make(due_at timestamptz) returns jsonb
language plpgsql security definer
set search_path = public, pg_temp
as $$
declare
    made jsonb := '[]';
    parent text;
    month timestamp;
    name text;
begin
    foreach parent in array array['charge', 'usage_event'] loop
        for ahead in 0 .. 3 loop
            month := date_trunc('month', due_at at time zone 'UTC') + ahead * interval '1 month';
            name := parent || to_char(month, '_YYYY_MM');
            continue when to_regclass('public.' || name) is not null;
            -- who writes meanwhile would still see the default partition as theirs, and be refused
            execute format('lock table %I in share row exclusive mode', parent);
            -- rows of that month that came before their partition stand in the default one
            execute format('create table %I (like %I including defaults)', name, parent);
            execute format('with moved as (delete from %I where at >= %L and at < %L returning *) '
                           'insert into %I select * from moved', parent || '_default',
                           month at time zone 'UTC', (month + interval '1 month') at time zone 'UTC', name);
            execute format('alter table %I attach partition %I for values from (%L) to (%L)', parent, name,
                           month at time zone 'UTC', (month + interval '1 month') at time zone 'UTC');
            made := made || to_jsonb(name);
        end loop;
    end loop;

    if made <> '[]' then
        perform lib.audit('{}', 'partitions.make', 'tables', made);
    end if;

    return jsonb_build_object('made', made);
end $$;
comment on function job.partitions_make is 'Makes the partitions of this month and the next three; runs as the owner of the tables.';
