create or replace function ledger.recover_shard(shard int, reason text) returns bigint
language sql
set search_path = public, pg_temp
as $$
    with opened as (
        insert into recovery (account, shard, reason, at)
        select a.id, a.shard, recover_shard.reason, lib.now()
        from account a join account_cursor c on c.account = a.id
        where a.shard = recover_shard.shard
          -- the first command makes the wallet of an account that is new
          and (c.last_seq > 0 or exists (select from command d where d.account = a.id and d.applied_at is not null))
        order by a.id
        on conflict do nothing
        returning 1
    )
    select count(*) from opened;
$$;
comment on function ledger.recover_shard is 'Has all wallets of a shard made again; of how many accounts.';
