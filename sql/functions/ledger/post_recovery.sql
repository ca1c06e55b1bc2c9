create or replace function ledger.post_recovery(key text, account text, credits bigint, at timestamptz, description text)
returns bigint
language plpgsql
set search_path = public, pg_temp
as $$
declare
    txn_id bigint;
    grant_id bigint;
begin
    insert into ledger_txn (key, kind, account, description, at)
    values (post_recovery.key, 'recovery', post_recovery.account, post_recovery.description, post_recovery.at)
    returning id into txn_id;

    if credits > 0 then
        insert into credit_grant (account, source, priority, amount, remaining, note, effective_at, created_at, issue_key, txn)
        values (post_recovery.account, 'adjustment', 50, credits, credits, post_recovery.description, post_recovery.at,
                lib.now(), post_recovery.key, txn_id)
        returning id into grant_id;

        insert into ledger_entry (txn, n, ledger_account, amount, credit_grant)
        values (txn_id, 1, ledger.system_account('recovery'), -credits, null),
               (txn_id, 2, ledger.wallet(post_recovery.account), credits, grant_id);
        return txn_id;
    end if;

    with share as (
        select g.id, least(g.remaining, greatest(0, -credits - sum(g.remaining) over burn + g.remaining)) as burnt
        from credit_grant g
        where g.account = post_recovery.account and g.remaining > 0
        window burn as (order by g.priority, g.expires_at nulls last, g.pocket, g.source = 'purchase', g.effective_at, g.id)
    ), burn as (
        update credit_grant g set remaining = g.remaining - s.burnt
        from share s
        where g.id = s.id and s.burnt > 0
    )
    insert into ledger_entry (txn, n, ledger_account, amount, credit_grant)
    select txn_id, row_number() over (order by credit_grant nulls first), ledger_account, amount, credit_grant
    from (select ledger.wallet(post_recovery.account), -burnt, id from share where burnt > 0
          union all
          select ledger.system_account('recovery'), -credits, null) entry (ledger_account, amount, credit_grant);

    return txn_id;
end $$;
comment on function ledger.post_recovery is 'Posts a change of a balance of which no details are known: burns grants in order, or makes one; the transaction.';
