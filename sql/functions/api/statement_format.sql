create or replace function api.statement_format(args jsonb, head jsonb, page jsonb) returns jsonb
language sql immutable
as $$
    with line (place, cells) as (
        select 0, jsonb_build_array('id', 'at', 'recorded_at', 'kind', 'description', 'amount', 'balance', 'unpaid')
        where args ->> 'cursor' is null
        union all
        select 1, jsonb_build_array(null, head -> 'from', null, 'opening', null, null, head -> 'opening', null)
        where args ->> 'cursor' is null
        union all
        select 1 + m.n, jsonb_build_array(m.row -> 'id', m.row -> 'at', m.row -> 'recorded_at', m.row -> 'kind',
                                          m.row -> 'description', m.row -> 'amount', m.row -> 'balance', m.row -> 'unpaid')
        from jsonb_array_elements(page -> 'data') with ordinality m (row, n)
        union all
        select 1000000000, jsonb_build_array(null, head -> 'to', null, 'closing', null, null, head -> 'closing', null)
        where not (page -> 'has_more')::boolean
    )
    select case when args ->> 'format' = 'csv'
           then jsonb_build_object('next_cursor', page -> 'next_cursor',
                    'text', (select string_agg(lib.csv_line(cells), '' order by place) from line))
           else head || page end;
$$;
comment on function api.statement_format is 'A page of a statement as it was asked for: an object, or lines of CSV, the first page with a header and the opening, the last with the closing.';
