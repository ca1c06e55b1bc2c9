create or replace function mirror.wallet_counters(account text) returns jsonb
language sql stable
set search_path = public, pg_temp
set jit = off
as $$
    with limited as materialized (
        select l.id, l.name, l.meter, l.max, l.per, l.app, l.key, l.thresholds, w.starts,
               greatest(w.starts, l.since) as since,
               case when right(l.feature, 1) = '*' then left(l.feature, -1) end as prefix, l.feature
        from account_calendar c
        cross join lateral (
            select 'plan', a.plan::text from account a where a.id = c.account union all
            select 'account', c.account union all
            select 'app', p.id from app p where p.account = c.account union all
            select 'key', k.id from api_key k where k.account = c.account) h (kind, id)
        join usage_limit l on l.holder_kind = h.kind and l.holder = h.id and l."window" is not null
        -- the edge's clock may be ahead, and a window that began there stays
        cross join lateral lib.window_bounds(l."window", l.align, c.zone, c.anchor,
            greatest(lib.now(), (select max(g.at) from charge g where g.account = c.account))) w
        where c.account = wallet_counters.account
    ), charged as (
        -- by request, as the edge counts them: what was given back is not used, and a hold is what it came to
        select h.request_id, min(h.key) as key, min(h.app) as app, min(h.feature) as feature,
               min(h.at) filter (where h.kind in ('charge', 'hold')) as at,
               bool_or(h.kind in ('refund', 'void', 'release', 'expired')) as back,
               bool_or(h.kind in ('release', 'expired')) as ended,
               bool_or(h.kind in ('commit', 'late')) as known,
               max(h.at) filter (where h.kind = 'hold') as held_at,
               sum(h.credits) filter (where h.kind in ('charge', 'hold')) as asked,
               coalesce(sum(h.credits) filter (where h.kind in ('refund', 'void')), 0) as returned,
               sum(h.credits) filter (where h.kind in ('commit', 'late', 'owed', 'waived')) as cost,
               sum(h.units) filter (where h.kind = 'charge') as units
        from charge h
        -- one without a key is a charge by a command
        where h.account = wallet_counters.account and h.at >= (select min(since) from limited) and h.key is not null
        group by h.request_id
    ), request as (
        select key, app, feature, at, case when back then 0 else 1 end as requests,
               case when back then 0 else coalesce(units, 0) end as units,
               case when ended then 0 when known then cost else asked - returned end as credits
        from charged
        -- of a hold that nobody ended in a day nothing will come
        where at is not null and (held_at is null or back or known or held_at > lib.now() - interval '1 day')
        union all
        -- what passed for nothing has a usage record alone
        select u.key, u.app, u.feature, t.at, 1, 0, 0
        from usage_event u
        cross join lateral (select u.at - u.latency_ms * interval '1 millisecond' as at) t
        where u.account = wallet_counters.account
          and u.at >= (select min(since) from limited where meter = 'requests')
          and u.verdict = 'pass' and u.credits = 0 and u.units = 0 and not u.refunded and not u.dry_run
          -- of a download the request that counts
          and (u.key not like 'dl\_%' or u.download)
          and not exists (select from charge h where h.request_id = u.request_id and h.account = u.account)
    ), used as (
        select l.id, o.holder,
               sum(case l.meter when 'requests' then r.requests when 'units' then r.units else r.credits end) as used
        from limited l
        join request r on r.at >= l.since
             and case when l.prefix is not null then starts_with(coalesce(r.feature, ''), l.prefix)
                      else r.feature = l.feature end
             and coalesce(l.app, r.app) = r.app and coalesce(l.key, r.key) = r.key
             -- a download link is nobody's key
             and not (l.per = 'key' and r.key like 'dl\_%')
        cross join lateral (select case l.per when 'app' then r.app when 'key' then r.key end as holder) o
        group by l.id, o.holder
    )
    select jsonb_object_agg(concat_ws(':', 'u', l.id, u.holder),
               format('%s %s %s %s', extract(epoch from l.starts)::bigint, least(u.used, 9007199254740991), t.told, l.max))
    from used u
    join limited l on l.id = u.id
    cross join lateral (
        -- the books know what a customer was told of, of this maximum
        select coalesce(max(e.percent), 0) as told
        from account_event e
        where l.thresholds <> '{}' and e.account = wallet_counters.account and e."limit" = l.name and e.max = l.max
          and e.at >= l.starts
          and case l.per when 'app' then e.app = u.holder when 'key' then e.key = u.holder else true end) t;
$$;
comment on function mirror.wallet_counters is 'Counters of the limits with a name that an account, its plan, apps and keys have, in the windows of now, as the books know them: fields of its wallet.';
