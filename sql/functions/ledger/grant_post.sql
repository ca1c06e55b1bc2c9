create or replace function ledger.grant_post(given bigint, kind text, at timestamptz, from_breakage bigint default 0)
returns void
language sql
set search_path = public, pg_temp
as $$
    with txn as (
        insert into ledger_txn (key, kind, account, description, at)
        select 'grant:' || g.issue_key, grant_post.kind, g.account,
               g.source || case when g.note = '' then '' else ': ' || g.note end, grant_post.at
        from credit_grant g
        where g.id = given
        returning id
    ), issued as (
        update credit_grant g set txn = txn.id, remaining = g.amount
        from txn
        where g.id = given
        returning g.id, g.account, g.amount, txn.id as txn
    )
    insert into ledger_entry (txn, n, ledger_account, amount, credit_grant)
    select i.txn, e.n, e.ledger_account, e.amount, e.credit_grant
    from issued i
    cross join lateral (values (1, ledger.system_account('issued'), from_breakage - i.amount, null),
                               (2, ledger.wallet(i.account), i.amount, i.id),
                               (3, ledger.system_account('breakage'), -from_breakage, null))
        e (n, ledger_account, amount, credit_grant)
    where e.amount <> 0;
$$;
comment on function ledger.grant_post is 'Issues a grant in the books, of which so much is taken back from breakage; from then on its credits are in the wallet.';
