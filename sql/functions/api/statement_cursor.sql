create or replace function api.statement_cursor(args jsonb, out after bigint, out last_txn bigint)
language plpgsql immutable
as $$
declare
    given text := lib.arg_text(args, 'cursor');
begin
    if given is not null and given !~ '^\d{1,18}-\d{1,18}$' then
        perform lib.invalid('cursor', 'one that a page gave as next_cursor');
    end if;

    after := split_part(given, '-', 1)::bigint;
    last_txn := split_part(given, '-', 2)::bigint;
end $$;
comment on function api.statement_cursor is 'Where the next page of a statement begins and the last one ends; null for the first.';
