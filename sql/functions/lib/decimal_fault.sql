create or replace function lib.decimal_fault(value text, scale int) returns text
language sql immutable
as $$
    select case
        when value is null then 'is missing'
        when value ~ '^-\d' then 'must not be negative'
        when value !~ '^\d+(\.\d+)?$' then 'must be a decimal number as "12.5"'
        when length(split_part(value, '.', 2)) > scale then format('must have at most %s decimals', scale)
        when length(value) > 40 or value::numeric * 10::numeric ^ scale > 9007199254740991 then 'is too large'
    end;
$$;
comment on function lib.decimal_fault is 'What is wrong with a decimal that is not negative, null where nothing is.';
