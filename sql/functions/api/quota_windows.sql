create or replace function api.quota_windows(account text)
returns table (name text, quota bigint, used bigint, remaining bigint, ends timestamptz)
language sql stable
set search_path = public, pg_temp
as $$
    select w.name, w.quota, coalesce(q.used, 0),
           case when w.quota is not null then greatest(w.quota - coalesce(q.used, 0), 0) end, b.ends
    from account a join plan p on p.code = a.plan
    join plan_version v on v.plan = p.code and v.version = p.version
    join account_calendar c on c.account = a.id
    cross join lateral (
        select u.name, case when v.mode <> 'payg' then u.quota end as quota
        from (values ('day', v.day_units), ('month', v.month_units)) u (name, quota)) w
    cross join lateral lib.window_bounds(w.name, c.align, c.zone, c.anchor, lib.now()) b
    left join quota_usage q on q.account = a.id and q."window" = w.name and q.start = b.starts
    where a.id = quota_windows.account;
$$;
comment on function api.quota_windows is 'The windows of an account''s quota, as its plan has them now; no quota is null.';
