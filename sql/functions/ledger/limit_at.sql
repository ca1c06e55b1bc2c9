create or replace function ledger.limit_at(account text, name text, app text, key text, at timestamptz)
returns table (meter text, counter text, starts timestamptz)
language sql stable
set search_path = public, pg_temp
as $$
    select l.meter, case l.per when 'app' then limit_at.app when 'key' then limit_at.key else '' end, w.starts
    from (-- the plan's own quotas, then what has that name nearest to the request
          select 0 as place, 'units' as meter, 'account' as per, limit_at.name as "window", null as align
          where limit_at.name in ('day', 'month')
          union all
          select array_position(array['key', 'app', 'account', 'plan'], u.holder_kind), u.meter, u.per, u."window", u.align
          from usage_limit u
          where u.name = limit_at.name
            and (u.key = limit_at.key or u.app = limit_at.app or u.account = limit_at.account
                 or u.plan = (select a.plan from account a where a.id = limit_at.account))) l
    join account_calendar c on c.account = limit_at.account
    left join lateral lib.window_bounds(l."window", coalesce(l.align, c.align), c.zone, c.anchor, limit_at.at) w
        on l."window" is not null
    order by l.place
    limit 1;
$$;
comment on function ledger.limit_at is 'Which limit a name means to a request: its meter, whose counter it is, and the window that a time is in; no row where it is gone.';
