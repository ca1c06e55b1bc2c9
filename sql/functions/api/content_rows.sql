create or replace function api.content_rows(list jsonb) returns jsonb
language sql stable
set search_path = public, pg_temp
as $$
    select jsonb_agg(api.content_json(c) order by c.code)
    from content_pricing c
    where c.active and c.code in (select value ->> 'code' from jsonb_array_elements(list));
$$;
comment on function api.content_rows is 'The content of the catalog whose codes a list names, null where it has none of it.';
