create or replace function lib.arg_list(args jsonb, argument text, pattern text, wanted text) returns text[]
language plpgsql immutable
as $$
declare
    value jsonb := args -> argument;
    wrong boolean := true;
begin
    if value is null then
        return null;
    end if;
    if value = 'null' then
        return '{}';
    end if;

    if jsonb_typeof(value) = 'array' then
        wrong := jsonb_array_length(value) > 32
                 or exists (select from jsonb_array_elements(value) e
                            where jsonb_typeof(e) <> 'string' or e #>> '{}' !~ pattern);
    end if;
    if wrong then
        perform lib.invalid(argument, format('a list of at most 32 %s', wanted));
    end if;

    return array(select distinct e collate "C" from jsonb_array_elements_text(value) e order by 1);
end $$;
comment on function lib.arg_list is 'An argument that is a list of texts of one form, without repetitions; null where it is absent.';
