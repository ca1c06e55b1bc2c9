create or replace function ledger.losses_suspect()
returns table (request_id text, account text, feature text, at timestamptz, credits bigint, recovery bigint)
language sql stable
set search_path = public, pg_temp
as $$
    with lost as (
        -- when a wallet was found to be another one, and when a shard was looked through
        select r.account, a.shard, r.at - interval '1 hour' as since, r.done_at as until, r.id as recovery
        from recovery r join account a on a.id = r.account
        where r.done_at > lib.now() - interval '2 hours' and r.reason not in ('rebuild', 'repair')
        union all
        select null, s.shard, s.at - interval '2 minutes', s.at, null
        from store s
        where s.at > lib.now() - interval '15 minutes'
    ), passed as (
        select u.request_id, u.account, u.feature, u.credits, a.shard,
               u.at - u.latency_ms * interval '1 millisecond' as decided
        from usage_event u join account a on a.id = u.account
        where u.at >= (select min(since) from lost)
          and (u.account in (select l.account from lost l where l.account is not null)
               or u.at >= (select min(since) from lost where account is null))
          and u.verdict = 'pass' and u.credits > 0 and not u.refunded and not u.dry_run
    )
    select distinct on (p.request_id) p.request_id, p.account, p.feature, p.decided, p.credits, l.recovery
    from passed p
    join lost l on l.shard = p.shard and coalesce(l.account = p.account, true) and p.decided between l.since and l.until
    left join stream_cursor c on c.stream = format('tg:{%s}:ledger', p.shard)
    -- its event would be settled by now: the register is known beyond that moment, or long has passed
    where (split_part(c.last_id, '-', 1)::numeric > extract(epoch from p.decided) * 1000 + 10000
           or p.decided < lib.now() - interval '5 minutes')
      and not exists (select from charge h
                      where h.request_id = p.request_id and h.account = p.account
                        -- what is owed or waived is so behind a commit, in the same step of the edge
                        and h.kind in ('charge', 'commit', 'late'))
      and not exists (select from recovery_writeoff w where w.request_id = p.request_id)
    order by p.request_id, l.recovery;
$$;
comment on function ledger.losses_suspect is 'Requests that passed about the time of a loss of Redis, by their usage records, and whose charge is in no history.';
