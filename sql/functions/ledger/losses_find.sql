create or replace function ledger.losses_find() returns jsonb
language plpgsql
set search_path = public, pg_temp
as $$
declare
    lost jsonb;
    found_summary jsonb;
begin
    select jsonb_agg(to_jsonb(s)) into lost from ledger.losses_suspect() s;

    if lost is not null then
        insert into recovery_writeoff (request_id, recovery, account, at, credits, feature, noted_at, txn)
        select l.request_id, l.recovery, l.account, l.at, l.credits, l.feature, lib.now(), t.txn
        from jsonb_to_recordset(lost)
                 as l (request_id text, recovery bigint, account text, at timestamptz, credits bigint, feature text)
        join ledger.losses_post('lost:' || txid_current(), lost, 'used, and lost with the store') t using (account);
        update recovery r set requests = r.requests + n.requests, written_off = r.written_off + n.credits
        from (select recovery, count(*) as requests, sum(credits) as credits
              from jsonb_to_recordset(lost) as l (recovery bigint, credits bigint) group by recovery) n
        where r.id = n.recovery;
    end if;

    found_summary := jsonb_build_object('requests', coalesce(jsonb_array_length(lost), 0),
        'credits', (select lib.credits(coalesce(sum(credits), 0)::bigint)
                    from jsonb_to_recordset(lost) as l (credits bigint)),
        'reversed', ledger.losses_reverse());

    if found_summary - 'credits' <> '{"requests": 0, "reversed": 0}' then
        perform ledger.losses_report();
        perform ledger.recover_report();
        perform lib.audit('{}', 'losses.find', 'recovery_writeoff', found_summary);
    end if;

    return found_summary;
end $$;
comment on function ledger.losses_find is 'Writes off, once each, what requests used whose charge was lost with Redis, and takes back what was found after all; how many, and how much.';
