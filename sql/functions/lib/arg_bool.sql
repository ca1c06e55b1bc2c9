create or replace function lib.arg_bool(args jsonb, argument text, fallback boolean) returns boolean
language plpgsql immutable
as $$
declare
    value jsonb := args -> argument;
begin
    if value is null or value = 'null' then
        return fallback;
    end if;

    if value #>> '{}' not in ('true', 'false') and value not in ('"0"', '"1"') then
        perform lib.invalid(argument, 'true or false');
    end if;

    -- a query parameter is a text
    return (value #>> '{}')::boolean;
end $$;
comment on function lib.arg_bool is 'A boolean argument, the fallback where it is absent or null.';
