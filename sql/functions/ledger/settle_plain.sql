create or replace function ledger.settle_plain(stream text, from_id text, to_id text, folds jsonb, mixed boolean)
returns table (account text, txn bigint, fits boolean)
language plpgsql
set search_path = public, pg_temp
-- accounts of a batch are few, and found by index however small or new the tables are
set enable_seqscan = off
set jit = off
as $$
#variable_conflict use_column
declare
    plain fold[] := array(select f from jsonb_populate_recordset(null::fold, folds) f);
    batch text := 'settle:' || stream || ':' || to_id;
begin
    perform ledger.cursor_move(stream, from_id, to_id);
    -- those that go the long way too, for who locks accounts does so in their order; to look at an empty temporary
    -- table would have all of them emptied at the commit
    if mixed then
        perform 1 from account_cursor c
        where c.account in (select f.account from unnest(plain) f union all select e.account from settle_event e)
        order by c.account
        for update;
    else
        perform 1 from account_cursor c
        where c.account in (select f.account from unnest(plain) f)
        order by c.account
        for update;
    end if;

    return query select u.account, null::bigint, false from ledger.settle_unfit(plain) u (account);
    if found then
        return;
    end if;

    perform ledger.post_usage(batch,
        (select jsonb_agg(jsonb_build_object('account', f.account, 'feature', s.feature, 'credits', s.credits,
                                             'at', to_timestamp(s.at_us / 1000000.0)))
         from unnest(plain) f
         cross join jsonb_to_recordset(f.sums) s (feature text, credits bigint, at_us bigint)), 'usage');

    if exists (select from unnest(plain) f where f.units > 0) then
        insert into quota_usage as q (account, "window", start, used)
        select w.account, w."window", w.starts, w.units from ledger.settle_fold_windows(plain) w
        on conflict (account, "window", start) do update set used = q.used + excluded.used;
    end if;

    update account_cursor c
    set last_seq = f.last_seq, last_avail = f.avail, last_held = f.held
    from unnest(plain) f
    where c.account = f.account;

    update stream_cursor c
    set taken = c.taken + n.events, expired = c.expired + n.expired
    from (select sum(f.events) as events, sum(f.expired) as expired from unnest(plain) f) n
    where c.stream = settle_plain.stream;

    return query
    select f.account, t.id, true
    from unnest(plain) f
    left join ledger_txn t on t.key = batch || ':' || f.account;
end $$;
comment on function ledger.settle_plain is 'Posts the accounts in folds, an array of rows like fold, and moves the cursor of their stream; tells their transactions, or, having posted nothing, which of them do not fit. mixed: settle_event has others of the batch.';
