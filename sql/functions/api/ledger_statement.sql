create or replace function api.ledger_statement(args jsonb) returns jsonb
language plpgsql stable
set search_path = public, pg_temp
as $$
declare
    target account := api.account_find(args);
    wallet bigint := ledger.wallet(target.id);
    owed bigint := ledger.unpaid_account(target.id);
    from_at timestamptz := lib.arg_time(args, 'from', '-infinity');
    to_at timestamptz := lib.arg_time(args, 'to', 'infinity');
    after bigint := lib.arg_int(args, 'cursor', 0, 999999999999999999, 0);
    size int := lib.page_size(args);
    page jsonb;
    opening bigint;
    closing bigint;
begin
    -- a statement goes by when a movement was recorded, so that an issued one never changes
    select coalesce(sum(e.amount), 0) into opening
    from ledger_entry e join ledger_txn t on t.id = e.txn
    where e.ledger_account = wallet and t.recorded_at < from_at;

    select opening + coalesce(sum(e.amount), 0) into closing
    from ledger_entry e join ledger_txn t on t.id = e.txn
    where e.ledger_account = wallet and t.recorded_at >= from_at and t.recorded_at < to_at;

    select lib.page(jsonb_agg(jsonb_build_object('id', id::text, 'at', lib.time(at), 'kind', kind,
                        'description', description, 'amount', lib.credits(amount), 'balance', lib.credits(balance),
                        'unpaid', lib.credits(unpaid))
                    order by id), size, 'id')
    into page
    from (select * from (select t.id, t.at, t.kind, t.description, a.amount, nullif(a.unpaid, 0) as unpaid,
                                (opening + sum(a.amount) over (order by t.id))::bigint as balance
                         from (select e.txn, coalesce(sum(e.amount) filter (where e.ledger_account = wallet), 0)::bigint
                                             as amount,
                                      coalesce(-sum(e.amount) filter (where e.ledger_account = owed), 0)::bigint
                                             as unpaid
                               from ledger_entry e
                               where e.ledger_account in (wallet, owed)
                               group by e.txn) a
                         join ledger_txn t on t.id = a.txn
                         where t.recorded_at >= from_at and t.recorded_at < to_at) movement
          where id > after
          order by id limit size + 1) shown;

    return jsonb_build_object('account', target.id, 'currency', 'CREDIT',
               'from', case when isfinite(from_at) then lib.time(from_at) end,
               'to', case when isfinite(to_at) then lib.time(to_at) end,
               'opening', lib.credits(opening), 'closing', lib.credits(closing)) || page;
end $$;
comment on function api.ledger_statement is 'Opening, movements with running balance, and closing of an account; movements of what it owes leave the balance alone.';
