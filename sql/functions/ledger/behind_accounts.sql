create or replace function ledger.behind_accounts(after text, max int)
returns table (account text, shard int, told bigint, fresh bigint)
language sql stable
set search_path = public, pg_temp
as $$
    select c.account, a.shard::int, c.command_no - f.fresh, f.fresh
    from account_cursor c join account a on a.id = c.account
    cross join lateral (select count(*) as fresh from command d
                        where d.account = c.account and d.applied_at is null and d.refused is null
                          and d.created_at > (select max(settled_at) from stream_behind where ended_at is null)) f
    where c.account > after collate "C"
    order by c.account
    limit max;
$$;
comment on function ledger.behind_accounts is 'The next accounts, with the number of the last command that is as old as the copy, and how many came since it was restored.';
