create or replace function ledger.catchup_accounts(shard int, after text, max int) returns table (account text)
language sql stable
set search_path = public, pg_temp
as $$
    select a.id from account a
    where a.shard = catchup_accounts.shard and a.id > after collate "C"
    order by a.id
    limit max;
$$;
comment on function ledger.catchup_accounts is 'The next accounts of a shard.';
