create or replace function ledger.post_usage(key text, lines jsonb, kind text) returns void
language plpgsql
set search_path = public, pg_temp
-- accounts of a batch are few, and found by index however small or new the tables are
set enable_seqscan = off
set jit = off
as $$
begin
    if lines is null then
        return;
    end if;

    with line as (
        select l.*, coalesce(l.pocket, '-') as of
        from jsonb_to_recordset(lines)
            as l (account text, feature text, pocket text, credits bigint, at timestamptz)
    ), total as (
        select account, of, sum(credits)::bigint as credits from line group by account, of
    ), txn as (
        insert into ledger_txn (key, kind, account, description, at)
        select post_usage.key || ':' || l.account, post_usage.kind, l.account,
               string_agg(distinct coalesce(nullif(l.feature, ''), 'requests'), ', '), max(l.at)
        from line l
        group by l.account
        returning id, account
    ), share as (
        select t.account, g.id as credit_grant,
               case when t.credits > 0
                    then least(g.remaining, greatest(0, t.credits - sum(g.remaining) over burn + g.remaining))
                    else -least(g.used, greatest(0, -t.credits - sum(g.used) over back + g.used))
                    end as burnt
        from total t
        join (select *, amount - remaining - lapsed as used from credit_grant where txn is not null) g
            on g.account = t.account and g.pocket = t.of
        where t.credits > 0 and g.remaining > 0 or t.credits < 0 and g.used > 0
        -- of one that is revoked nothing is burnt before its lapse, and nothing returns to it first
        window burn as (partition by t.account, t.of
                        order by g.revoked_at is not null, g.source = 'purchase', g.effective_at, g.id),
               back as (partition by t.account, t.of
                        order by g.revoked_at is not null, g.source = 'purchase' desc, g.effective_at desc, g.id desc)
    ), burn as (
        update credit_grant g set remaining = g.remaining - s.burnt
        from share s
        where g.id = s.credit_grant and s.burnt <> 0
    )
    insert into ledger_entry (txn, n, ledger_account, amount, feature, credit_grant)
    select txn.id, row_number() over (partition by txn.id order by side, feature, credit_grant), ledger_account, amount,
           feature, credit_grant
    from (select 1, s.account, (select w.id from ledger_account w
                                where w.account = s.account and w.kind = 'wallet' and w.asset = 'CREDIT'),
                 -s.burnt, null, s.credit_grant
          from share s where s.burnt <> 0
          union all
          select 2, account, (select ledger.system_account('usage_revenue')), sum(credits), nullif(feature, ''), null
          from line group by account, feature having sum(credits) <> 0) entry (side, account, ledger_account, amount, feature, credit_grant)
    join txn using (account);
end $$;
comment on function ledger.post_usage is 'Moves credits between wallets and usage revenue (lines of account, feature, pocket, credits used, at), burning the grants of the pocket in order or filling them in reverse.';
