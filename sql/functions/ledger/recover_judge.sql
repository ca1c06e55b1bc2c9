create or replace function ledger.recover_judge(reason text, final boolean) returns setof text
language plpgsql
set search_path = public, pg_temp
set enable_hashjoin = off
set enable_mergejoin = off
set enable_seqscan = off
set jit = off
as $$
begin
    -- at last more may be settled than there was when the wallet was read
    insert into recovery (account, shard, reason, at)
    select a.id, a.shard, recover_judge.reason, (select lib.now())
    from recover_seen s join account a on a.id = s.account join account_cursor c on c.account = s.account
    where case when s.epoch is null then c.last_seq > 0 or s.applied is not null
               else s.epoch <> c.epoch or s.seq is null or s.seq < c.last_seq and not final
                    or s.seq = c.last_seq and (s.avail, s.held) is distinct from (c.last_avail, c.last_held)
                    or s.seq > c.last_seq and final
                    or coalesce(s.cmd, -1) < coalesce(s.applied, 0) end
    on conflict do nothing;

    -- what the register tells of these when it is settled
    return query
    select s.account from recover_seen s join account_cursor c on c.account = s.account
    where s.seq is not null and s.seq > c.last_seq and not final
      -- see recover_plan()
      and not exists (select from (select r.done_at from recovery r where r.account = s.account offset 0) r
                      where r.done_at is null);
end $$;
comment on function ledger.recover_judge is 'Has those wallets in recover_seen made again that are not what the ledger knows; returns accounts of which events are not settled. If it is final all of them that there were are.';
