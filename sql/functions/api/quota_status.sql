create or replace function api.quota_status(args jsonb) returns jsonb
language sql stable
set search_path = public, pg_temp
as $$
    select jsonb_build_object('account', a.id, 'plan', a.plan, 'plan_name', v.name, 'tier', t.code, 'mode', v.mode,
               'balance', lib.credits(ledger.balance(a.id)), 'windows',
               (select jsonb_agg(jsonb_build_object('window', w.name, 'limit', w.quota, 'used', w.used,
                           'remaining', w.remaining, 'resets_at', lib.time(w.ends)) order by w.name)
                from api.quota_windows(a.id) w))
    from account a join plan p on p.code = a.plan
    join plan_version v on v.plan = p.code and v.version = p.version
    join tier t on t.rank = v.tier
    where a.id = (api.account_find(args)).id;
$$;
comment on function api.quota_status is 'How much of the quotas and credits is left of the customer who asks.';
