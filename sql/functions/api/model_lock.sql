create or replace function api.model_lock(account text, tier smallint, credits bigint, units bigint)
returns table (reason text, required_plan text, missing bigint, resets_at timestamptz)
language sql stable
set search_path = public, pg_temp
as $$
    -- As gate.lua decides, in its order and but for the rates: tier, quota, credits.
    with own as (
        select v.tier, v.mode, ledger.balance(a.id) as balance,
               v.mode = 'subscription' or (v.mode = 'hybrid' and (units > 0 or credits = 0)) as by_quota
        from account a join plan p on p.code = a.plan
        join plan_version v on v.plan = p.code and v.version = p.version
        where a.id = model_lock.account),
    -- the month's end where both windows are full; none where the units fit into no empty window
    full_until as (
        select max(w.ends) filter (where w.remaining < units) as ends, bool_or(w.quota < units) as never
        from api.quota_windows(account) w
        where units > 0
        having bool_or(w.remaining < units))
    select 'tier_too_low',
           (select p.code from plan p join plan_version v on v.plan = p.code and v.version = p.version
            where p.public and v.tier >= model_lock.tier order by v.price nulls last, v.tier, p.code limit 1),
           null::bigint, null::timestamptz
    from own where model_lock.tier > own.tier
    union all
    select 'quota_exhausted', null, null, case when not f.never then f.ends end
    from own, full_until f where model_lock.tier <= own.tier and own.mode = 'subscription'
    union all
    select 'credits_exhausted', null, credits - own.balance, null
    from own where model_lock.tier <= own.tier and own.mode <> 'subscription'
        and not (own.by_quota and not exists (select from full_until)) and credits > own.balance;
$$;
comment on function api.model_lock is 'Why an account may not use a model of this tier and price; no row: it may.';
