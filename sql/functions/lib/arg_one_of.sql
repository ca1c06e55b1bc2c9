create or replace function lib.arg_one_of(args jsonb, argument text, choices text[],
                                          fallback text default null) returns text
language plpgsql immutable
as $$
declare
    value text := coalesce(lib.arg_text(args, argument), fallback);
begin
    if value is null or value <> all (choices) then
        perform lib.invalid(argument, 'one of ' || array_to_string(choices, ', '));
    end if;

    return value;
end $$;
comment on function lib.arg_one_of is 'A text argument that is one of a few words.';
