create or replace function api.price_preview(args jsonb) returns jsonb
language plpgsql stable
set search_path = public, pg_temp
as $$
declare
    effective timestamptz := lib.arg_time(args, 'effective', lib.now());
    faults jsonb;
    answer jsonb;
begin
    if effective < lib.now() then
        perform lib.invalid('effective', 'a time that has not passed: history stays as it was');
    end if;
    if jsonb_typeof(args -> 'prices') is distinct from 'array' then
        perform lib.invalid('prices', 'a list of objects');
    end if;
    if exists (select from jsonb_array_elements(args -> 'prices') p where jsonb_typeof(p) <> 'object') then
        perform lib.invalid('prices', 'a list of objects');
    end if;

    faults := api.price_faults(args -> 'prices', effective);
    answer := jsonb_build_object('version', (select coalesce(max(id), 0) from price_list),
                                 'effective', lib.time(effective), 'applied', false, 'errors', faults);
    if faults <> '[]' then
        return answer;
    end if;

    return answer || api.price_changes(args -> 'prices', effective);
end $$;
comment on function api.price_preview is 'What a list of prices would change, or all that is wrong with it; changes nothing.';
