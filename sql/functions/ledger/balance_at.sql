create or replace function ledger.balance_at(account text, txn bigint) returns bigint
language sql stable
set search_path = public, pg_temp
as $$
    with point as (
        select c.txn, c.balance from ledger_checkpoint c
        where c.account = balance_at.account and c.txn <= balance_at.txn
        order by c.txn desc limit 1
    )
    select (coalesce((select balance from point), 0)
            + coalesce((select sum(e.amount) from ledger_entry e
                        where e.ledger_account = ledger.wallet(balance_at.account) and e.txn <= balance_at.txn
                          and e.txn > coalesce((select p.txn from point p), 0)), 0))::bigint;
$$;
comment on function ledger.balance_at is 'Micro-credits of an account after one of its transactions.';
