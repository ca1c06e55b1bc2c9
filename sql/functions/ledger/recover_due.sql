create or replace function ledger.recover_due(shards int[], max int) returns table (account text, shard int, epoch bigint)
language sql stable
set search_path = public, pg_temp
as $$
    select r.account, r.shard::int, c.epoch
    from recovery r join account_cursor c on c.account = r.account
    where r.done_at is null and r.shard = any (shards)
    order by r.id
    limit max;
$$;
comment on function ledger.recover_due is 'Accounts of these shards whose wallets are to be made again, with the epochs that the ledger knows.';
