create or replace function lib.arg_code(args jsonb, argument text, required boolean default true) returns text
language plpgsql immutable
as $$
declare
    value text := lib.arg_text(args, argument, required);
begin
    if value is not null and value !~ '^[a-z0-9][a-z0-9._:-]{0,63}$' then
        perform lib.invalid(argument, 'a code of a-z, 0-9, ".", "_", ":" and "-", at most 64 characters');
    end if;

    return value;
end $$;
comment on function lib.arg_code is 'An argument that names a feature, model, plan, tier or app of the catalog.';
