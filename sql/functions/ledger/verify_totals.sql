create or replace function ledger.verify_totals() returns jsonb
language sql stable
set search_path = public, pg_temp
as $$
    with asset_sum as (
        select a.asset, sum(e.amount) as sum
        from ledger_entry e join ledger_account a on a.id = e.ledger_account
        group by a.asset
    ), wrong as (
        select a.account
        from ledger_account a
        left join ledger_balance b on b.ledger_account = a.id
        left join (select ledger_account, sum(amount) as sum from ledger_entry group by ledger_account) e
               on e.ledger_account = a.id
        left join (select account, sum(remaining) as sum from credit_grant group by account) g
               on g.account = a.account
        where a.kind = 'wallet' and a.asset = 'CREDIT'
          and (coalesce(b.balance, 0) <> coalesce(e.sum, 0) or coalesce(b.balance, 0) <> coalesce(g.sum, 0))
        union
        select account from (select account, sum(credits) as sum from unpaid_use
                             where state in ('open', 'charging') group by account) u
        full join (select a.account, -sum(e.amount) as sum
                   from ledger_account a join ledger_entry e on e.ledger_account = a.id
                   where a.kind = 'unpaid' group by a.account) o using (account)
        where coalesce(u.sum, 0) <> coalesce(o.sum, 0)
    )
    select jsonb_build_object(
        'ok', not exists (select from asset_sum where sum <> 0) and not exists (select from wrong),
        'assets', coalesce((select jsonb_agg(jsonb_build_object('asset', asset, 'sum', trim_scale(sum / 1000000)::text))
                            from asset_sum), '[]'),
        'wrong', coalesce((select jsonb_agg(account) from wrong), '[]'));
$$;
comment on function ledger.verify_totals is 'Whether entries sum to zero per asset, and wallets equal their entries and their grants, and what is owed the requests that are.';
