create or replace function ledger.recover_due(shards int[], max int)
returns table (account text, shard int, epoch bigint, recovery bigint, gone boolean)
language sql stable
set search_path = public, pg_temp
set enable_hashjoin = off
set enable_mergejoin = off
set enable_seqscan = off
set jit = off
as $$
    select r.account, r.shard, c.epoch, r.id, r.reason in ('store_empty', 'wallet_missing')
    from (select r.id, r.account, r.shard::int, r.reason from recovery r
          where r.done_at is null and r.shard = any (shards)
          order by r.shard, r.id
          limit max) r
    join account_cursor c on c.account = r.account
    order by r.shard, r.id;
$$;
comment on function ledger.recover_due is 'Accounts of these shards whose wallets are to be made again, with the epochs that the ledger knows, and whether there is probably no wallet.';
