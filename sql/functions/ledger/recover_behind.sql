create or replace function ledger.recover_behind(stream text) returns bigint
language plpgsql
set search_path = public, pg_temp
as $$
declare
    kept bigint;
begin
    insert into recovery (account, shard, reason, at)
    select distinct e.account, a.shard, 'rewound', lib.now()
    from settle_event e join account a on a.id = e.account
    where e.credits > 0 and e.kind in ('charge', 'lease', 'refund', 'commit', 'late', 'owed')
      and not ledger.recover_known(e.account, e.request_id, e.kind)
    on conflict do nothing;

    insert into suspense_event (stream, stream_id, account, reason, event, at, recovery)
    select recover_behind.stream, e.id, e.account, 'settled before its time', jsonb_agg(to_jsonb(e) order by e.n), lib.now(), r.id
    from settle_event e join recovery r on r.account = e.account and r.done_at is null
    where not exists (select from suspense_event s where s.recovery = r.id and s.stream_id = e.id)
    group by e.id, e.account, r.id
    having bool_or(e.kind in ('charge', 'lease', 'refund', 'commit', 'late', 'owed', 'waived', 'void')
                   and not ledger.recover_known(e.account, e.request_id, e.kind));
    get diagnostics kept = row_count;

    return kept;
end $$;
comment on function ledger.recover_behind is 'Keeps the events in settle_event, whose ids are those of settled ones, for recovery where they tell of what the ledger has not; how many.';
