create or replace function lib.arg_percents(args jsonb, argument text, most int) returns smallint[]
language plpgsql immutable
as $$
declare
    value jsonb := args -> argument;
    wrong boolean := true;
begin
    if value is null or value = 'null' then
        return null;
    end if;

    if jsonb_typeof(value) = 'array' then
        wrong := jsonb_array_length(value) > 8
                 or exists (select from jsonb_array_elements(value) e
                            where jsonb_typeof(e) not in ('number', 'string') or e #>> '{}' !~ '^\d{1,4}$'
                               or (e #>> '{}')::int not between 1 and most);
    end if;
    if wrong then
        perform lib.invalid(argument, format('a list of at most 8 percents from 1 to %s', most));
    end if;

    return array(select distinct e::smallint from jsonb_array_elements_text(value) e order by 1);
end $$;
comment on function lib.arg_percents is 'An argument that is a list of percents, in order; null where it is absent.';
