create or replace function api.statement_page(account text, after bigint, last_txn bigint, args jsonb, head jsonb)
    returns jsonb
language plpgsql stable
set search_path = public, pg_temp
as $$
declare
    details boolean := lib.arg_bool(args, 'details', false);
    size int := lib.page_size(args);
    page jsonb;
begin
    if lib.arg_one_of(args, 'format', array['csv', 'json'], 'json') = 'csv' then
        if details then
            perform lib.refuse(422, 'invalid_argument', '"details" goes with the format json alone');
        end if;
        return api.statement_csv(statement_page.account, statement_page.after, statement_page.last_txn, args, head);
    end if;

    page := lib.page((select jsonb_agg(jsonb_build_object('id', m.id::text, 'at', lib.time(m.at),
                                 'recorded_at', lib.time(m.recorded_at), 'kind', m.kind, 'description', m.description,
                                 'amount', lib.credits(m.amount), 'balance', lib.credits(m.balance),
                                 'unpaid', lib.credits(m.unpaid))
                             || case when details then api.statement_details(m.id) else '{}' end
                             order by m.id)
                      from ledger.movements(statement_page.account, statement_page.after, statement_page.last_txn,
                                            size + 1) m), size, 'id');

    -- the end goes with the cursor, so that what is added meanwhile is in no page
    return head || page || jsonb_build_object('next_cursor', (page ->> 'next_cursor') || '-' || statement_page.last_txn);
end $$;
comment on function api.statement_page is 'A page of the movements of an account behind a transaction and up to another, with its head, or as CSV.';
