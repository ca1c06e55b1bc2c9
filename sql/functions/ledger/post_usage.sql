create or replace function ledger.post_usage(key text, lines jsonb, kind text) returns void
language plpgsql
set search_path = public, pg_temp
as $$
begin
    if lines is null then
        return;
    end if;

    with line as (
        select * from jsonb_to_recordset(lines) as l (account text, feature text, credits bigint, at timestamptz)
    ), total as (
        select account, sum(credits)::bigint as credits, max(at) as at from line group by account
    ), txn as (
        insert into ledger_txn (key, kind, account, description, at)
        select post_usage.key || ':' || t.account, post_usage.kind, t.account,
               (select string_agg(coalesce(nullif(l.feature, ''), 'requests'), ', ' order by l.feature)
                from line l where l.account = t.account),
               t.at
        from total t
        returning id, account
    ), share as (
        select t.account, g.id as credit_grant,
               case when t.credits > 0
                    then least(g.remaining, greatest(0, t.credits - sum(g.remaining) over burn + g.remaining))
                    else -least(g.amount - g.remaining,
                                greatest(0, -t.credits - sum(g.amount - g.remaining) over back + g.amount - g.remaining))
                    end as burnt
        from total t join credit_grant g on g.account = t.account
        where t.credits > 0 and g.remaining > 0 or t.credits < 0 and g.remaining < g.amount
        window burn as (partition by t.account
                        order by g.priority, g.source = 'purchase', g.effective_at, g.id),
               back as (partition by t.account
                        order by g.priority desc, g.source = 'purchase' desc, g.effective_at desc, g.id desc)
    ), burn as (
        update credit_grant g set remaining = g.remaining - s.burnt
        from share s
        where g.id = s.credit_grant and s.burnt <> 0
    )
    insert into ledger_entry (txn, n, ledger_account, amount, feature, credit_grant)
    select txn.id, row_number() over (partition by txn.id order by side, feature, credit_grant), ledger_account, amount,
           feature, credit_grant
    from (select 1, account, ledger.wallet(account), -burnt, null, credit_grant
          from share where burnt <> 0
          union all
          select 2, account, ledger.system_account('usage_revenue'), credits, nullif(feature, ''), null
          from line) entry (side, account, ledger_account, amount, feature, credit_grant)
    join txn using (account);
end $$;
comment on function ledger.post_usage is 'Moves credits between wallets and usage revenue (lines of account, feature, credits used, at), burning grants in order or filling them in reverse.';
