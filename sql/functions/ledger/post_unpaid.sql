create or replace function ledger.post_unpaid(key text, lines jsonb, description text) returns void
language plpgsql
set search_path = public, pg_temp
as $$
begin
    if lines is null then
        return;
    end if;

    insert into ledger_account (account, kind, asset)
    select distinct l.account, 'unpaid', 'CREDIT' from jsonb_to_recordset(lines) as l (account text)
    on conflict do nothing;

    with line as (
        select account, coalesce(feature, '') as feature, sum(credits)::bigint as credits, max(at) as at
        from jsonb_to_recordset(lines) as l (account text, feature text, credits bigint, at timestamptz)
        where credits <> 0
        group by account, coalesce(feature, '')
    ), txn as (
        insert into ledger_txn (key, kind, account, description, at)
        select post_unpaid.key || ':' || l.account, 'unpaid', l.account, post_unpaid.description, max(l.at)
        from line l
        group by l.account
        returning id, account
    )
    insert into ledger_entry (txn, n, ledger_account, amount, feature)
    select txn.id, row_number() over (partition by txn.id order by side, feature), ledger_account, amount, feature
    from (select 1, account, ledger.unpaid_account(account), -sum(credits), null
          from line group by account
          union all
          select 2, account, ledger.system_account('usage_revenue'), credits, nullif(feature, '')
          from line) entry (side, account, ledger_account, amount, feature)
    join txn using (account);
end $$;
comment on function ledger.post_unpaid is 'Lets accounts owe usage revenue (lines of account, feature, credits, at), or no longer owe it where credits are negative; wallets stay as they are.';
