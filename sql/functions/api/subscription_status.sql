create or replace function api.subscription_status(args jsonb) returns jsonb
language sql stable
set search_path = public, pg_temp
as $$
    select jsonb_build_object('account', a.id, 'state', a.state, 'plan', api.plan_json(a.plan),
               'balance', lib.credits(ledger.balance(a.id))) || api.subscription_json(a.id)
    from account a where a.id = (api.account_find(args)).id;
$$;
comment on function api.subscription_status is 'The plan, period and balance of the customer who asks.';
