create or replace function api.ledger_statement(args jsonb) returns jsonb
language plpgsql stable
set search_path = public, pg_temp
as $$
declare
    target account := api.account_find(args);
    from_at timestamptz := lib.arg_time(args, 'from', '-infinity');
    to_at timestamptz := lib.arg_time(args, 'to', 'infinity');
    page record := api.statement_cursor(args);
    last_txn bigint;
    after bigint;
    head jsonb;
begin
    if to_at < from_at then
        perform lib.invalid('to', 'no earlier than "from"');
    end if;

    -- a statement goes by when a movement was recorded, so that an issued one never changes
    last_txn := least(ledger.bound(target.id, to_at), page.last_txn,
                      (select coalesce(max(t.id), 0) from ledger_txn t where t.account = target.id));
    after := least(ledger.bound(target.id, from_at), last_txn);

    head := jsonb_build_object('account', target.id, 'currency', 'CREDIT',
                'from', case when isfinite(from_at) then lib.time(from_at) end,
                'to', case when isfinite(to_at) then lib.time(to_at) end,
                'opening', lib.credits(ledger.balance_at(target.id, after)),
                'closing', lib.credits(ledger.balance_at(target.id, last_txn)));

    return api.statement_page(target.id, greatest(after, page.after), last_txn, args, head);
end $$;
comment on function api.ledger_statement is 'Opening, movements with running balance, and closing of an account; movements of what it owes leave the balance alone.';
