create or replace function api.account_update(args jsonb) returns jsonb
language plpgsql
set search_path = public, pg_temp
as $$
declare
    hidden constant text[] := '{id,shard,state,plan,created_at,edge}';
    target account := api.account_find(args);
    after account;
begin
    perform 1 from account_cursor c where c.account = target.id for update;
    target := api.account_find(args);
    after := api.account_with(target, args);

    if after is distinct from target then
        update account a
        set name = after.name, email = after.email, time_zone = after.time_zone, low_balance = after.low_balance,
            overdraft = after.overdraft
        where a.id = target.id;
        perform mirror.account_sync(target.id);
        perform lib.audit(args, 'account.update', target.id, to_jsonb(after) - hidden, before => to_jsonb(target) - hidden);
    end if;

    return api.account_get(jsonb_build_object('account', target.id));
end $$;
comment on function api.account_update is 'Changes name, email, time zone, low balance and overdraft of an account; what is not given stays.';
