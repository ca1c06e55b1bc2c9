create or replace function ledger.recover_shard(shard int, reason text, after text, max int) returns text
language sql
set search_path = public, pg_temp
set enable_hashjoin = off
set enable_mergejoin = off
set enable_seqscan = off
set jit = off
as $$
    with page as (
        select a.id from account a
        -- as recover_accounts() has it
        where (a.shard, a.id) > (recover_shard.shard::smallint, after)
          and (a.shard, a.id) < ((recover_shard.shard + 1)::smallint, '')
        order by a.shard, a.id
        limit max
    ), opened as (
        insert into recovery (account, shard, reason, at)
        select p.id, recover_shard.shard, recover_shard.reason, (select lib.now())
        from page p join account_cursor c on c.account = p.id
          -- the first command makes the wallet of an account that is new
        where c.last_seq > 0
              or (select true from command d where d.account = p.id and d.applied_at is not null limit 1)
        on conflict do nothing
    )
    select max(id) from page;
$$;
comment on function ledger.recover_shard is 'Has the wallets of the next accounts of a shard made again; the last of these accounts, null where there is none.';
