create or replace function ledger.recover_accounts(shard int, after text, max int)
returns table (account text, applied bigint)
language sql stable
set search_path = public, pg_temp
set enable_hashjoin = off
set enable_mergejoin = off
set enable_seqscan = off
set jit = off
as $$
    select a.id, (select max(d.no) from command d where d.account = a.id and d.applied_at is not null)
    from account a
    -- as a range of the index by shards: along that by ids there are all accounts of the others
    where (a.shard, a.id) > (recover_accounts.shard::smallint, after)
      and (a.shard, a.id) < ((recover_accounts.shard + 1)::smallint, '')
      -- see recover_plan()
      and not exists (select from (select r.done_at from recovery r where r.account = a.id offset 0) r
                      where r.done_at is null)
    order by a.shard, a.id
    limit max;
$$;
comment on function ledger.recover_accounts is 'The next accounts of a shard whose wallets are not to be made again anyway, with the last command that Redis said to have applied.';
