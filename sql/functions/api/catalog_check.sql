create or replace function api.catalog_check(items jsonb, argument text) returns void
language plpgsql immutable
as $$
begin
    if jsonb_typeof(items) is distinct from 'array' then
        perform lib.invalid(argument, 'a list of objects');
    end if;
    if exists (select from jsonb_array_elements(items) i where jsonb_typeof(i) <> 'object') then
        perform lib.invalid(argument, 'a list of objects');
    end if;
    if exists (select from jsonb_array_elements(items) i group by i ->> 'code' having count(*) > 1) then
        perform lib.invalid(argument, 'a list in which no code stands twice');
    end if;
end $$;
comment on function api.catalog_check is 'Refuses what is not a list of objects with codes of their own.';
