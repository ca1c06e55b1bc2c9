create or replace function ledger.losses_post(key text, lines jsonb, description text)
returns table (account text, txn bigint)
language sql
set search_path = public, pg_temp
as $$
    with line as (
        select l.account, coalesce(l.feature, '') as feature, sum(l.credits)::bigint as credits, max(l.at) as at
        from jsonb_to_recordset(lines) as l (account text, feature text, credits bigint, at timestamptz)
        group by l.account, coalesce(l.feature, '')
    ), txn as (
        insert into ledger_txn (key, kind, account, description, at)
        select losses_post.key || ':' || l.account, 'writeoff', l.account, losses_post.description, max(l.at)
        from line l
        group by l.account
        returning id, account
    ), entry as (
        insert into ledger_entry (txn, n, ledger_account, amount, feature)
        select t.id, row_number() over (partition by t.id order by e.side, e.feature), e.ledger_account, e.amount, e.feature
        from (select 1, l.account, ledger.system_account('writeoff'), -sum(l.credits)::bigint, null
              from line l group by l.account
              union all
              select 2, l.account, ledger.system_account('usage_revenue'), l.credits, nullif(l.feature, '')
              from line l) e (side, account, ledger_account, amount, feature)
        join txn t using (account)
    )
    select t.account, t.id from txn t;
$$;
comment on function ledger.losses_post is 'Books use that no wallet pays for (lines of account, feature, credits, at) as written off, or takes that back where credits are negative; the transactions.';
