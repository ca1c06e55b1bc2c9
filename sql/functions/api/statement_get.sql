create or replace function api.statement_get(args jsonb) returns jsonb
language plpgsql stable
set search_path = public, pg_temp
as $$
declare
    s statement := api.statement_find(args);
    page record := api.statement_cursor(args);
begin
    return api.statement_page(s.account, greatest(s.after_txn, page.after), s.last_txn, args, api.statement_json(s));
end $$;
comment on function api.statement_get is 'An issued statement with a page of its movements, the same for ever.';
