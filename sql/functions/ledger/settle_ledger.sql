create or replace function ledger.settle_ledger(stream text, from_id text, to_id text) returns jsonb
language plpgsql
set search_path = public, pg_temp
as $$
declare
    frozen jsonb;
    posted bigint;
begin
    perform ledger.cursor_move(stream, from_id, to_id);
    if not exists (select from settle_event) then
        return jsonb_build_object('events', 0, 'posted', 0, 'frozen', '[]'::jsonb);
    end if;
    perform 1 from account_cursor
    where account in (select account from settle_event)
    order by account
    for update;

    if exists (select from command_forgotten) then
        perform ledger.commands_adopt(stream);
    end if;
    perform ledger.settle_check();
    if exists (select from command_forgotten) or exists (select from catchup) then
        perform ledger.pockets_adopt(stream, to_id);
    end if;
    perform ledger.settle_pockets();
    -- nobody else gathers statistics of temporary tables, and without them joins of many rows go row by row
    if (select count(*) > 100 from settle_event) then
        analyze settle_event, settle_checked;
    end if;
    frozen := ledger.settle_suspend(stream);
    perform ledger.entitlement_name();
    perform ledger.settle_starts();
    perform ledger.settle_post(stream, to_id);
    perform ledger.settle_lapses(stream, to_id);
    posted := ledger.settle_details(stream, to_id);

    perform ledger.unpaid_resolve(stream, to_id);
    perform ledger.entitlement_resolve();
    perform ledger.settle_owed(stream, to_id);

    update account_cursor c
    set last_seq = e.seq, last_avail = e.avail, last_held = e.held, last_cmd = greatest(c.last_cmd, e.last_cmd)
    from (select distinct on (account) account, seq, avail, held,
                 max(case when kind in ('command', 'lapse', 'adjust') then cmd end) over (partition by account)
                     as last_cmd
          from settle_checked
          where fault = ''
          order by account, place desc) e
    where c.account = e.account;

    update stream_cursor c
    set taken = c.taken + n.taken, refused = c.refused + n.refused, expired = c.expired + n.expired
    from (select count(*) filter (where fault = '') as taken,
                 count(*) filter (where fault = '' and kind = 'expired') as expired,
                 count(*) filter (where fault not in ('', 'again')) as refused
          from settle_checked) n
    where c.stream = settle_ledger.stream;

    perform ledger.settle_reclaim();

    perform ledger.owed_charge(o.account)
    from (select distinct u.account from unpaid_use u
          where u.account in (select e.account from settle_event e) and u.state = 'open' and u.verdict = 'pass') o;

    -- voids of this batch, and earlier ones whose charge is in it
    perform ledger.void_resolve(array(
        select v.request_id from void_request v join settle_event e on e.request_id = v.request_id and e.account = v.account
        where v.resolved_at is null or v.credits is null));

    perform ledger.settle_thresholds();

    return jsonb_build_object('events', (select count(*) from settle_checked), 'posted', posted, 'frozen', frozen);
end $$;
comment on function ledger.settle_ledger is 'Posts the events in settle_event and moves the cursor of their stream; counts, and the accounts that it froze.';
