create or replace function api.request_remedy(u usage_event, remedy text) returns text
language sql stable
set search_path = public, pg_temp
as $$
    select case
        when u.verdict in ('rate_limited', 'quota_exceeded', 'cap_reached', 'concurrency_limited')
             and u."limit" not in ('app_rate', 'day', 'key_rate', 'month') then
            concat_ws(': ',
                case when u.wait_ms > 0
                     then format('wait until %s, or a higher limit "%s"',
                                 lib.time(date_trunc('second', u.at + u.wait_ms * interval '1 ms')), u."limit")
                     when u.verdict = 'concurrency_limited' then format('wait, or a higher limit "%s"', u."limit")
                     else format('a higher limit "%s", which will not have room for this request', u."limit") end,
                -- the one nearest to the request, as ledger.limit_at has it
                (select format('tollgate limits set %s --%s %s', l.name, l.holder_kind, l.holder)
                 from usage_limit l
                 where l.name = u."limit" and (l.key = u.key or l.app = u.app or l.account = u.account or l.plan = u.plan)
                 order by array_position(array['key', 'app', 'account', 'plan'], l.holder_kind)
                 limit 1))
        else case u.verdict
        when 'tier_required' then
            coalesce((select format('tier %s: tollgate accounts set-plan %s %s', t.code, u.account, p.code)
                      from tier t, plan p join plan_version v on v.plan = p.code and v.version = p.version
                      where t.rank = u.tier_needed and p.public and v.tier >= u.tier_needed
                      order by v.price nulls last, v.tier, p.code limit 1),
                     remedy || ', which no public plan has')
        when 'rate_limited' then
            format('wait %s ms, or a plan with a higher %s than %s has', u.wait_ms, u."limit", u.plan)
        when 'quota_exceeded' then
            case when u.wait_ms > 0
                 then format('%s units of the %s are needed and %s were left: wait until %s, or a plan with more units than %s has',
                             u.cost_units, u."limit", case u."limit" when 'day' then u.day_left else u.month_left end,
                             lib.time(date_trunc('second', u.at + u.wait_ms * interval '1 ms')), u.plan)
                 else format('a plan with more units than %s has: the request needs %s, more than all of the %s',
                             u.plan, u.cost_units, u."limit") end
        when 'credits_exhausted' then
            format('%s credits more: tollgate credits grant %s %s', lib.credits(u.cost - u.avail), u.account,
                   lib.credits(u.cost - u.avail))
        else replace(replace(remedy, 'KEY', coalesce(u.key, 'KEY')), 'ACCOUNT', coalesce(u.account, 'ACCOUNT')) end end;
$$;
comment on function api.request_remedy is 'What would make a refused request pass, null for one that passed.';
