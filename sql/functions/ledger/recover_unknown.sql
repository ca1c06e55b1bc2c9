create or replace function ledger.recover_unknown(accounts text[]) returns bigint
language sql
set search_path = public, pg_temp
as $$
    with opened as (
        insert into recovery (account, shard, reason, at)
        select a.id, a.shard, 'wallet_missing', lib.now()
        from account a join account_cursor c on c.account = a.id
        where a.id = any (accounts)
          -- the first command makes the wallet of an account that is new
          and (c.last_seq > 0 or exists (select from command d where d.account = a.id and d.applied_at is not null))
        on conflict do nothing
        returning 1
    )
    select count(*) from opened;
$$;
comment on function ledger.recover_unknown is 'Has the wallets of those of these accounts made again that there are and that had one; of how many.';
