create or replace function api.statement_csv(account text, after bigint, last_txn bigint, args jsonb, head jsonb)
    returns jsonb
language sql stable
set search_path = public, pg_temp
as $$
    with movement as materialized (
        select m.*, row_number() over (order by m.id) as n
        from ledger.movements(statement_csv.account, statement_csv.after, statement_csv.last_txn, 1001) m
    ), line as (
        select m.id, concat_ws(',', m.id, lib.time(m.at), lib.time(m.recorded_at), m.kind, lib.csv_text(m.description),
                               lib.credits(m.amount), lib.credits(m.balance), coalesce(lib.credits(m.unpaid), ''))
                     || E'\r\n' as text
        from movement m
        where m.n <= 1000
    ), next as (
        select max(id) as id, (select count(*) from movement) > 1000 as more from line
    )
    -- the first page begins with a header and the opening, the last ends with the closing
    select jsonb_build_object(
        'next_cursor', case when more then id || '-' || statement_csv.last_txn end,
        'text', case when args ->> 'cursor' is null
                     then E'id,at,recorded_at,kind,description,amount,balance,unpaid\r\n'
                          || format(E',%s,,opening,,,%s,\r\n', head ->> 'from', head ->> 'opening') else '' end
                || coalesce((select string_agg(text, '' order by id) from line), '')
                || case when more then '' else format(E',%s,,closing,,,%s,\r\n', head ->> 'to', head ->> 'closing') end)
    from next;
$$;
comment on function api.statement_csv is 'A page of a thousand lines of the CSV of a statement, whose opening and closing stand in its head.';
