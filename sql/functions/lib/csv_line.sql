create or replace function lib.csv_line(cells jsonb) returns text
language sql immutable strict
as $$
    -- a text that a spreadsheet would take for a formula gets an apostrophe in front; numbers are what they are
    select string_agg(case when guarded ~ '[",\r\n]' then '"' || replace(guarded, '"', '""') || '"' else guarded end,
                      ',' order by n) || E'\r\n'
    from (select n, case when text ~ '^[=+@\t\r-]' and text !~ '^-?\d+(\.\d+)?$' then '''' || text else text end as guarded
          from (select n, coalesce(cell #>> '{}', '') as text
                from jsonb_array_elements(cells) with ordinality c (cell, n)) plain) fields;
$$;
comment on function lib.csv_line is 'A line of CSV as in RFC 4180 of an array of texts.';
