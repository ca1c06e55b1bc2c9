create or replace function api.audit_verify(args jsonb) returns jsonb
language plpgsql stable
set search_path = public, pg_temp
as $$
declare
    -- some at a time, so that each call is short however much there is
    some_rows constant int := 20000;
    some_txns constant int := 25000;
    given text := lower(lib.arg_text(args, 'root'));
    begun text := coalesce(lib.arg_text(args, 'cursor'), '0-0-');
    row_done bigint;
    seal_done bigint;
    seals bigint;
    statement_done text;
    statements bigint;
    next_cursor text;
    kept audit_root;
    broken jsonb;
begin
    if begun !~ '^\d{1,18}-\d{1,18}-(st_[0-9A-Za-z]{16})?$' then
        perform lib.invalid('cursor', 'one that a page gave as next_cursor');
    end if;
    row_done := split_part(begun, '-', 1);
    seal_done := split_part(begun, '-', 2);
    statement_done := split_part(begun, '-', 3);
    seals := (select count(*) filter (where n = 1 or sum <= some_txns)
              from (select row_number() over (order by no) as n, sum(txns) over (order by no) as sum
                    from (select * from ledger_seal s where s.no > seal_done order by s.no limit 1000) ahead) s);
    statements := (select count(*) filter (where n = 1 or sum <= some_txns)
                   from (select row_number() over (order by id) as n, sum(movements) over (order by id) as sum
                         from (select * from statement s where s.id > statement_done order by s.id limit 1000) ahead) s);

    select coalesce(jsonb_agg(jsonb_build_object('what', b.what, 'reason', b.reason) order by b.place, b.n), '[]')
    into broken
    from (select 1 as place, id as n, 'audit row ' || id as what, 'it is not as it was, or one before it is missing' as reason
          from lib.audit_breaks(row_done, some_rows) id
          union all
          select 2, r.day - date '2000-01-01', 'root of ' || r.day, r.reason
          from lib.audit_roots_broken() r where begun = '0-0-'
          union all
          select 3, l.seal, 'seal ' || l.seal, l.reason from ledger.seals_broken(seal_done, seals) l
          union all
          select 4, row_number() over (order by statement), 'statement ' || statement, s.reason
          from ledger.statements_broken(statement_done, statements) s) b;

    if given is not null and begun = '0-0-' then
        select * into kept from audit_root r where r.hash = given;
        if not found then
            broken := broken || jsonb_build_object('what', 'root ' || left(given, 64),
                                                   'reason', 'no day has it: this audit log is not the one it is of');
        end if;
    end if;

    select string_agg(done, '-' order by n) into next_cursor
    from (select 1, coalesce((select max(id) from (select id from audit_log where id > row_done
                                                   order by id limit some_rows) s), row_done)::text
          union all
          select 2, coalesce((select max(no) from (select no from ledger_seal where no > seal_done
                                                   order by no limit seals) s), seal_done)::text
          union all
          select 3, coalesce((select max(id) from (select id from statement where id > statement_done
                                                   order by id limit statements) s), statement_done)) d (n, done);

    return jsonb_build_object('ok', broken = '[]', 'rows', (select count(*) from audit_log),
               'roots', (select count(*) from audit_root), 'seals', (select count(*) from ledger_seal),
               'statements', (select count(*) from statement), 'data', broken, 'root', case when kept.day is not null then api.audit_root_json(kept) end,
               'has_more', next_cursor <> begun, 'next_cursor', nullif(next_cursor, begun));
end $$;
comment on function api.audit_verify is 'What of the audit log, its daily roots, the seals of the ledger and issued statements is not as it was, some at a time; whether a root that was kept elsewhere is one of them.';
