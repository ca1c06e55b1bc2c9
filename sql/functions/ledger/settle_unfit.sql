create or replace function ledger.settle_unfit(plain fold[]) returns setof text
language plpgsql stable
set search_path = public, pg_temp
-- accounts of a batch are few, and found by index however small or new the tables are
set enable_seqscan = off
set jit = off
as $$
begin
    -- not language sql, which would plan this anew for each batch, and that takes longer than to run it
    return query
    select f.account
    from unnest(plain) f
    left join account_cursor c on c.account = f.account
    left join ledger_account a on a.account = f.account and a.kind = 'wallet' and a.asset = 'CREDIT'
    left join ledger_balance b on b.ledger_account = a.id
    cross join lateral (select to_timestamp(f.first_us / 1000000.0) - interval '1 day' as at) early
    where (c.epoch = f.epoch and f.first_seq = c.last_seq + 1 and f.opening = c.last_avail + c.last_held
           and c.last_held between f.held_from and f.held_to) is not true
       -- as settle_check has it: more than the ledger has, or gave
       or f.spent_low < 0 and coalesce(b.balance, 0) + f.spent_low < 0
       or f.spent_high > 0 and coalesce(b.balance, 0) + f.spent_high
                               > (select coalesce(sum(g.amount), 0) from credit_grant g
                                   where g.account = f.account and g.txn is not null)
       or exists (select from credit_grant g
                  where g.account = f.account and (g.pocket <> '-' or g.revoked_at is not null) and g.remaining > 0)
       -- what may be about single requests of it: none of them is of a request that long ago
       or exists (select from void_request v
                  where v.account = f.account and v.credits is null and v.at > early.at)
       or exists (select from unpaid_use u where u.account = f.account and u.state <> 'paid' and u.at > early.at)
       or exists (select from unpaid_use u
                  where u.account = f.account and (u.state = 'charging' or u.state = 'open' and u.verdict = 'pass'))
       or exists (select from entitlement t where t.account = f.account and t.state = 'pending')
       or f.units > 0 and (select count(*) from ledger.settle_fold_windows(array[f]) w where w.account = f.account) <> 2;
end $$;
comment on function ledger.settle_unfit is 'Those of these accounts whose chain of events does not go on from their cursors, or of which single events have to be looked at.';
