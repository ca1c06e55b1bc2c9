create or replace function ledger.losses_reverse() returns bigint
language plpgsql
set search_path = public, pg_temp
as $$
declare
    back jsonb;
begin
    select jsonb_agg(jsonb_build_object('request_id', w.request_id, 'account', w.account, 'feature', w.feature,
                                        'credits', -w.credits, 'at', lib.now(), 'recovery', w.recovery))
    into back
    from recovery_writeoff w
    where w.reversed is null and w.at > lib.now() - interval '2 days'
      and exists (select from charge h
                  where h.request_id = w.request_id and h.account = w.account and h.kind in ('charge', 'commit', 'late'));

    if back is null then
        return 0;
    end if;

    update recovery_writeoff w set reversed = t.txn
    from ledger.losses_post('lost-found:' || txid_current(), back, 'charged at the edge after all') t,
         jsonb_to_recordset(back) as b (request_id text)
    where w.request_id = b.request_id and w.account = t.account;
    update recovery r set requests = r.requests - n.requests, written_off = r.written_off + n.credits
    from (select recovery, count(*) as requests, sum(credits) as credits
          from jsonb_to_recordset(back) as b (recovery bigint, credits bigint) group by recovery) n
    where r.id = n.recovery;

    return jsonb_array_length(back);
end $$;
comment on function ledger.losses_reverse is 'Takes back what was written off of requests whose charge came after all; how many.';
