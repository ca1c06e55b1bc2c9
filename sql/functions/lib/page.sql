create or replace function lib.page(data jsonb, page_size int, cursor_member text) returns jsonb
language sql immutable
as $$
    select jsonb_build_object(
        'data', coalesce(jsonb_path_query_array(data, '$[0 to $last]', jsonb_build_object('last', page_size - 1)), '[]'),
        'has_more', coalesce(jsonb_array_length(data), 0) > page_size,
        'next_cursor', case when jsonb_array_length(data) > page_size
                            then data -> (page_size - 1) -> cursor_member end);
$$;
comment on function lib.page is 'A page of a list from up to one row more than its size; the cursor is a member of its last row.';
