create or replace function lib.arg_time(args jsonb, argument text, fallback timestamptz default null) returns timestamptz
language plpgsql stable
as $$
declare
    value text := lib.arg_text(args, argument, false, 40);
begin
    if value is null then
        return fallback;
    end if;

    if value !~ '^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d(:?\d\d)?))?$' then
        perform lib.invalid(argument, 'a time as 2027-01-31T00:00:00Z');
    end if;

    -- a date alone is midnight UTC
    return case when length(value) = 10 then (value || 'T00:00:00Z')::timestamptz
                else value::timestamptz end;
exception
    when datetime_field_overflow or invalid_datetime_format then
        perform lib.invalid(argument, 'a time as 2027-01-31T00:00:00Z');
        return null;
end $$;
comment on function lib.arg_time is 'A time argument in RFC 3339, the fallback where it is absent.';
