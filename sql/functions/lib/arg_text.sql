create or replace function lib.arg_text(args jsonb, argument text, required boolean default false,
                                        longest int default 200) returns text
language plpgsql immutable
as $$
begin
    if args -> argument is null or args -> argument = 'null' then
        if required then
            perform lib.invalid(argument, format('a text of 1 to %s characters', longest));
        end if;
        return null;
    end if;

    if jsonb_typeof(args -> argument) <> 'string'
       or length(args ->> argument) not between (case when required then 1 else 0 end) and longest
       or args ->> argument ~ '[\x01-\x1f\x7f]'
    then
        perform lib.invalid(argument, format('a text of %s to %s characters without control characters',
                                             case when required then 1 else 0 end, longest));
    end if;

    return args ->> argument;
end $$;
comment on function lib.arg_text is 'A text argument, null where it is absent and not required.';
