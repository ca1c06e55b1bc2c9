create or replace function api.account_set_limits(args jsonb) returns jsonb
language plpgsql
set search_path = public, pg_temp
as $$
declare
    target account := api.account_find(args);
begin
    perform api.limits_change(args, 'account', target.id, target.id, args -> 'limits');

    return api.account_get(jsonb_build_object('account', target.id));
end $$;
comment on function api.account_set_limits is 'Gives an account the limits of a list in the place of those it had.';
