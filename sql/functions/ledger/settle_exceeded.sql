create or replace function ledger.settle_exceeded() returns bigint
language plpgsql
set search_path = public, pg_temp
as $$
declare
    added bigint;
begin
    if not exists (select from settle_usage where verdict = 'quota_exceeded' and dry_run = 0) then
        return 0;
    end if;

    -- however many were refused, the first of a minute is enough
    with early as (
        select distinct on (u.account, u."limit", u.app, u.key, u.at_ms / 60000)
               u.account, to_timestamp(u.at_ms / 1000.0) as at, u."limit", u.app, u.key, u.request_id
        from settle_usage u
        join account a on a.id = u.account
        where u.verdict = 'quota_exceeded' and u.dry_run = 0 and u."limit" is not null
        order by u.account, u."limit", u.app, u.key, u.at_ms / 60000, u.at_ms
    ), refused as (
        select r.*, l.meter, l.counter, l.starts
        from early r
        cross join lateral ledger.limit_at(r.account, r."limit", r.app, r.key, r.at) l
        where l.starts is not null
    ), fresh as (
        select distinct on (account, "limit", counter, starts) *
        from refused r
        where not exists (select from account_event e
                          where e.account = r.account and e."limit" = r."limit" and e.counter = r.counter
                            and e.window_start = r.starts and e.type = 'quota.exceeded')
        order by account, "limit", counter, starts, at
    ), locked as materialized (
        select ledger.event_lock() where exists (select from fresh)
    )
    insert into account_event (account, at, type, "limit", meter, app, key, request_id, counter, window_start)
    select f.account, f.at, 'quota.exceeded', f."limit", f.meter, f.app, f.key, f.request_id, f.counter, f.starts
    from fresh f cross join locked
    order by f.at
    on conflict do nothing;
    get diagnostics added = row_count;

    return added;
end $$;
comment on function ledger.settle_exceeded is 'Keeps of the usage records in settle_usage that a quota refused the first of each window as an event; how many are new.';
