create or replace function ledger.repair_accounts(account text, max int)
returns table (shard int, account text)
language sql stable
set search_path = public, pg_temp
as $$
    select a.shard::int, a.id
    from account a
    where case when repair_accounts.account is not null then a.id = repair_accounts.account
               else a.state = 'frozen'
                    or a.id in (select l.account from alert l where l.kind = 'diverged' and l.closed_at is null) end
    order by a.shard, a.id
    limit max;
$$;
comment on function ledger.repair_accounts is 'Accounts that a repair looks at: one, or else those that are frozen or that the proof found to differ.';
