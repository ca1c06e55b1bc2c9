create or replace function api.account_json(a account) returns jsonb
language sql stable
set search_path = public, pg_temp
as $$
    select jsonb_build_object('id', a.id, 'name', a.name, 'email', a.email, 'state', a.state, 'plan', a.plan,
               'mode', v.mode, 'balance', lib.credits(ledger.balance(a.id)),
               'unpaid', lib.credits(ledger.unpaid(a.id)), 'time_zone', a.time_zone, 'low_balance', a.low_balance,
               'overdraft', lib.credits(a.overdraft),
               'limits', api.limits_json('account', a.id), 'created_at', lib.time(a.created_at))
    from plan p join plan_version v on v.plan = p.code and v.version = p.version
    where p.code = a.plan;
$$;
comment on function api.account_json is 'An account as the API shows it.';
