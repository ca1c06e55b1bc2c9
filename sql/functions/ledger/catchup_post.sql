create or replace function ledger.catchup_post(stream text, shard int, trimmed text, args jsonb) returns jsonb
language plpgsql
set search_path = public, pg_temp
as $$
declare
    open_row stream_behind;
    from_id text;
    place record;
    txn_id bigint;
    summary jsonb;
begin
    select * into open_row from stream_behind b
    where b.stream = catchup_post.stream and b.ended_at is null
    for update;
    insert into stream_cursor (stream, moved_at) values (catchup_post.stream, clock_timestamp()) on conflict do nothing;
    select c.last_id into from_id from stream_cursor c where c.stream = catchup_post.stream for update;

    if open_row.id is null or not ledger.id_after(trimmed, from_id) then
        return null;
    end if;

    perform 1 from account_cursor c join account a on a.id = c.account
    where a.shard = catchup_post.shard
    order by c.account
    for update of c;

    for place in select * from ledger.catchup_places(catchup_post.shard) p order by p.account loop
        txn_id := null;
        if place.credits <> 0 then
            txn_id := ledger.post_recovery(format('catchup:%s:%s:%s', catchup_post.stream, trimmed, place.account),
                                           place.account, place.credits, lib.now(),
                                           format('events %s to %s, details lost', place.old_seq + 1, place.seq));
        end if;
        update account_cursor c
        set epoch = place.epoch, last_seq = place.seq, last_avail = place.avail, last_held = place.held,
            last_cmd = place.cmd
        where c.account = place.account;
        insert into catchup (behind, account, old_epoch, old_seq, epoch, seq, credits, txn)
        values (open_row.id, place.account, place.old_epoch, place.old_seq, place.epoch, place.seq, place.credits, txn_id);
    end loop;

    update stream_cursor c set last_id = trimmed, moved_at = clock_timestamp() where c.stream = catchup_post.stream;
    update stream_behind set caught_up_at = lib.now() where id = open_row.id;
    update alert set closed_at = lib.now()
    where kind = 'postgres_behind' and closed_at is null
      and not exists (select from stream_behind where ended_at is null and is_gap and caught_up_at is null);

    select jsonb_build_object('stream', catchup_post.stream, 'from', from_id, 'to', trimmed, 'accounts', count(*),
               'less', lib.credits(coalesce(-sum(c.credits) filter (where c.credits < 0), 0)::bigint),
               'more', lib.credits(coalesce(sum(c.credits) filter (where c.credits > 0), 0)::bigint),
               'unknown', (select coalesce(jsonb_agg(f.account order by f.account), '[]') from catchup_first f
                           where not exists (select from account a where a.id = f.account)))
    into summary
    from catchup c where c.behind = open_row.id;
    perform lib.audit(args, 'ledger.catchup', catchup_post.stream, summary, jsonb_build_object('cursor', from_id));

    -- the first thousand; the table has all
    return summary || jsonb_build_object('data', (
        select coalesce(jsonb_agg(jsonb_build_object('account', account, 'stream', catchup_post.stream,
                   'from', old_epoch || '-' || old_seq, 'to', epoch || '-' || seq, 'credits', lib.credits(credits),
                   'balance', lib.credits(ledger.balance(account))) order by account), '[]')
        from (select * from catchup c where c.behind = open_row.id order by c.account limit 1000) c));
end $$;
comment on function ledger.catchup_post is 'Lets a stream of which events are gone catch up to behind them: posts what each account lacks, by one transaction each, and moves the cursors; null where nothing is to be done.';
