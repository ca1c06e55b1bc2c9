create or replace function api.catalog_put_tiers(tiers jsonb) returns void
language plpgsql
set search_path = public, pg_temp
as $$
begin
    if exists (select from jsonb_array_elements(tiers) t where lib.arg_int(t, 'rank', 0, 99) is null) then
        perform lib.invalid('rank', 'an integer from 0 to 99');
    end if;

    insert into tier (rank, code, name)
    select lib.arg_int(t, 'rank', 0, 99), lib.arg_code(t, 'code'), lib.arg_text(t, 'name', true)
    from jsonb_array_elements(tiers) t
    on conflict (rank) do update set code = excluded.code, name = excluded.name;
exception when unique_violation or cardinality_violation then
    perform lib.invalid('tiers', 'a list in which no code and no rank is that of another tier');
end $$;
comment on function api.catalog_put_tiers is 'Adds and renames tiers; none is ever taken away.';
