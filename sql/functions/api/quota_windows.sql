create or replace function api.quota_windows(account text)
returns table (name text, quota bigint, used bigint, remaining bigint, ends timestamptz)
language sql stable
set search_path = public, pg_temp
as $$
    select w.name, w.quota, coalesce(q.used, 0), case when w.quota is not null then greatest(w.quota - coalesce(q.used, 0), 0) end,
           lib.period(w.start, ('1 ' || w.name)::interval, 1)
    from account a join plan p on p.code = a.plan
    join plan_version v on v.plan = p.code and v.version = p.version
    cross join lateral (
        select u.name, case when v.mode <> 'payg' then u.quota end as quota,
               date_trunc(u.name, lib.now() at time zone 'UTC') at time zone 'UTC' as start
        from (values ('day', v.day_units), ('month', v.month_units)) u (name, quota)) w
    left join quota_usage q on q.account = a.id and q."window" = w.name and q.start = w.start
    where a.id = quota_windows.account;
$$;
comment on function api.quota_windows is 'The windows of an account''s quota, as its plan has them now; no quota is null.';
