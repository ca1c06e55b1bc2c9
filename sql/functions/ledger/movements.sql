create or replace function ledger.movements(account text, after bigint, last_txn bigint, most bigint default null)
    returns table (id bigint, at timestamptz, recorded_at timestamptz, kind text, description text, amount bigint,
                   balance bigint, unpaid bigint)
language sql stable
set search_path = public, pg_temp
as $$
    with own as materialized (
        select ledger.wallet(movements.account) as wallet, ledger.unpaid_account(movements.account) as owed,
               ledger.balance_at(movements.account, movements.after) as opening
    )
    select m.id, m.at, m.recorded_at, m.kind, m.description, m.amount,
           (own.opening + sum(m.amount) over (order by m.id))::bigint, nullif(m.unpaid, 0)
    from own cross join lateral (
        select t.id, t.at, t.recorded_at, t.kind, t.description, e.amount, e.unpaid
        from ledger_txn t cross join lateral (
            select count(*) as entries,
                   coalesce(sum(n.amount) filter (where n.ledger_account = own.wallet), 0)::bigint as amount,
                   coalesce(-sum(n.amount) filter (where n.ledger_account = own.owed), 0)::bigint as unpaid
            from ledger_entry n
            where n.txn = t.id and n.ledger_account in (own.wallet, own.owed)) e
        where t.account = movements.account and t.id > movements.after and t.id <= movements.last_txn and e.entries > 0
        order by t.id limit most) m
    order by m.id;
$$;
comment on function ledger.movements is 'What moved the balance of an account, or what it owes, behind a transaction up to another, with the balance after each.';
