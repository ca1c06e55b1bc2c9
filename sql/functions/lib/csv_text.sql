create or replace function lib.csv_text(value text) returns text
language sql immutable strict
as $$
    -- what a spreadsheet would take for a formula gets an apostrophe in front
    select case when guarded ~ '[",\r\n]' then '"' || replace(guarded, '"', '""') || '"' else guarded end
    from (select case when value ~ '^[=+@\t\r-]' then '''' || value else value end as guarded) g;
$$;
comment on function lib.csv_text is 'A text as a field of CSV as in RFC 4180.';
