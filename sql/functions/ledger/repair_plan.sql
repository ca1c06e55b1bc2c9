create or replace function ledger.repair_plan(account text, finding jsonb) returns jsonb
language sql stable
set search_path = public, pg_temp
as $$
    with event as (
        select count(*) as events, coalesce(sum(e.delta), 0)::bigint as delta
        from ledger.repair_events(repair_plan.account, finding) e
    ), known as (
        select a.state,
               (finding ->> 'avail')::bigint + (finding ->> 'held')::bigint as before,
               (finding ->> 'balance')::bigint + (finding ->> 'unsettled')::bigint + e.delta as after,
               (finding ->> 'unapplied')::bigint as unapplied, e.events,
               (select count(*) from suspense_event s
                where s.account = a.id and s.recovery is null and s.repaired_at is null) - e.events as given_up,
               exists (select from command d
                       where d.account = a.id and d.refused is not null and d.applied_at is null) as refused
        from account a, event e
        where a.id = repair_plan.account
    ), decided as (
        select k.*,
               case when finding ->> 'state' in ('busy', 'moving') then 'wait'
                    when finding ->> 'state' = 'differs' or k.events > 0 or k.refused then 'recover'
                    when k.state = 'frozen' then 'unfreeze'
                    else 'none' end as action
        from known k
    )
    select jsonb_build_object('account', repair_plan.account, 'state', d.state, 'action', d.action, 'reason', finding -> 'reason',
               'why', case d.action
                      when 'wait' then case finding ->> 'state' when 'busy' then 'its wallet is being made again, or its shard waits for the ledger'
                                       else 'it moved each time that it was looked at' end
                      when 'recover' then case when finding ->> 'state' = 'differs' then 'Redis and the ledger differ'
                                               when d.events > 0 then 'events in suspense can be posted after all'
                                               else 'Redis refused a command, which is tried again' end
                      when 'unfreeze' then 'Redis and the ledger agree'
                      else 'nothing is wrong' end)
           || case when d.action = 'recover' then jsonb_build_object(
                  'before', lib.credits(d.before), 'after', lib.credits(d.after),
                  'delta', lib.credits(d.after - d.before),
                  'written_off', lib.credits(case when finding ->> 'reason' = 'wallet_missing' then 0
                                                  else greatest(d.after - d.unapplied - d.before, 0) end),
                  'events', d.events, 'given_up', d.given_up)
              else '{}' end
    from decided d;
$$;
comment on function ledger.repair_plan is 'What a repair of an account, whose two sides were found like this, would do, and why.';
