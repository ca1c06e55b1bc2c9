create or replace function ledger.recover_accounts(shard int, after text, max int)
returns table (account text, applied bigint)
language sql stable
set search_path = public, pg_temp
as $$
    select a.id, (select max(d.no) from command d where d.account = a.id and d.applied_at is not null)
    from account a
    where a.shard = recover_accounts.shard and a.id > after
    order by a.id
    limit max;
$$;
comment on function ledger.recover_accounts is 'The next accounts of a shard, with the last command that Redis said to have applied.';
