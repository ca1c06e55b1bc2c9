create or replace function lib.decimal(args jsonb, argument text, scale int, wanted text) returns bigint
language plpgsql immutable
as $$
declare
    value text;
    number numeric;
begin
    if args -> argument is null or args -> argument = 'null' then
        return null;
    end if;

    value := args ->> argument;
    if jsonb_typeof(args -> argument) not in ('string', 'number')
       or value !~ ('^-?\d{1,15}(\.\d{1,' || greatest(scale, 1) || '})?$')
       or (scale = 0 and value ~ '\.')
    then
        perform lib.invalid(argument, wanted);
    end if;

    number := value::numeric * (10::numeric ^ scale);
    if abs(number) > 9007199254740991 then
        perform lib.invalid(argument, wanted);
    end if;

    return number::bigint;
end $$;
comment on function lib.decimal is 'A decimal string as an integer of the smallest unit, null where it is absent.';
