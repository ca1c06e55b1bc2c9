create or replace function ledger.settle_plain(stream text, from_id text, to_id text)
returns table (account text, txn bigint, fits boolean)
language plpgsql
set search_path = public, pg_temp
as $$
#variable_conflict use_column
begin
    perform ledger.cursor_move(stream, from_id, to_id);
    -- those that go the long way too, for who locks accounts does so in their order
    perform 1 from account_cursor c
    where c.account in (select f.account from settle_fold f union all select e.account from settle_event e)
    order by c.account
    for update;

    return query select u.account, null::bigint, false from ledger.settle_unfit() u (account);
    if found then
        return;
    end if;

    perform ledger.post_usage('settle:' || stream || ':' || to_id,
        (select jsonb_agg(jsonb_build_object('account', s.account, 'feature', s.feature, 'credits', s.credits,
                                             'at', to_timestamp(s.at_us / 1000000.0)))
         from settle_sum s), 'usage');

    insert into quota_usage as q (account, "window", start, used)
    select w.account, w."window", w.starts, w.units from ledger.settle_fold_windows() w
    on conflict (account, "window", start) do update set used = q.used + excluded.used;

    update account_cursor c
    set last_seq = f.last_seq, last_avail = f.avail, last_held = f.held
    from settle_fold f
    where c.account = f.account;

    update stream_cursor c
    set taken = c.taken + n.events, expired = c.expired + n.expired
    from (select sum(f.events) as events, sum(f.expired) as expired from settle_fold f) n
    where c.stream = settle_plain.stream;

    return query
    select f.account, t.id, true
    from settle_fold f
    left join ledger_txn t on t.key = 'settle:' || settle_plain.stream || ':' || to_id || ':' || f.account;
end $$;
comment on function ledger.settle_plain is 'Posts the accounts in settle_fold and moves the cursor of their stream; tells their transactions, or, having posted nothing, which of them do not fit.';
