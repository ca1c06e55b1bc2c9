create or replace function api.account_get(args jsonb) returns jsonb
language sql stable
set search_path = public, pg_temp
as $$
    select api.account_json(api.account_find(args)) || api.subscription_json(args ->> 'account')
           || api.account_expiry(args ->> 'account');
$$;
comment on function api.account_get is 'An account with its balance, when credits end next, and the period of its subscription.';
