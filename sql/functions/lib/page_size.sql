create or replace function lib.page_size(args jsonb) returns int
language sql immutable
as $$
    select lib.arg_int(args, 'limit', 1, 100, 50)::int;
$$;
comment on function lib.page_size is 'How many rows of a list are wanted.';
