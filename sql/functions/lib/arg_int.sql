create or replace function lib.arg_int(args jsonb, argument text, least_value bigint, most bigint,
                                       fallback bigint default null) returns bigint
language plpgsql immutable
as $$
declare
    value jsonb := args -> argument;
begin
    if value is null or value = 'null' then
        return fallback;
    end if;

    -- a query parameter is a text
    if jsonb_typeof(value) not in ('number', 'string') or (value #>> '{}') !~ '^-?\d{1,18}$'
       or (value #>> '{}')::bigint not between least_value and most
    then
        perform lib.invalid(argument, format('an integer from %s to %s', least_value, most));
    end if;

    return (value #>> '{}')::bigint;
end $$;
comment on function lib.arg_int is 'An integer argument within bounds, the fallback where it is absent or null.';
