create or replace function ledger.seal_tally(after bigint, last_txn bigint) returns void
language sql
set search_path = public, pg_temp
-- a seal is few rows of large tables, which the planner can't know
set enable_hashjoin = off
set enable_mergejoin = off
as $$
    with moved as (
        select t.account, t.id, t.recorded_at,
               coalesce(sum(e.amount) filter (where a.kind = 'wallet' and a.account = t.account), 0) as amount
        from ledger_txn t
        left join ledger_entry e on e.txn = t.id
        left join ledger_account a on a.id = e.ledger_account
        where t.id > coalesce(seal_tally.after, -9223372036854775808) and t.id <= seal_tally.last_txn
        group by t.id
    ), running as (
        select m.account, m.id as txn, coalesce(y.txns, 0) + row_number() over own as txns,
               greatest(y.latest, max(m.recorded_at) over own) as latest,
               (coalesce(y.balance, 0) + sum(m.amount) over own)::bigint as balance
        from moved m left join ledger_tally y on y.account = m.account
        window own as (partition by m.account order by m.id)
    ), kept as (
        insert into ledger_checkpoint (account, txn, txns, latest, balance)
        select account, txn, txns, latest, balance from running where txns % 256 = 0
    )
    insert into ledger_tally (account, txn, txns, latest, balance)
    select distinct on (account) account, txn, txns, latest, balance
    from running
    order by account, txn desc
    on conflict (account) do update
    set txn = excluded.txn, txns = excluded.txns, latest = excluded.latest, balance = excluded.balance;
$$;
comment on function ledger.seal_tally is 'Brings the tallies of accounts up to a transaction that was sealed, and keeps a checkpoint after each 256th of an account.';
