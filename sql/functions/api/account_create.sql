create or replace function api.account_create(args jsonb) returns jsonb
language plpgsql
set search_path = public, pg_temp
as $$
declare
    fresh account;
    join_credits bigint := lib.setting('join_credits')::bigint;
begin
    fresh := api.account_with(fresh, args);

    fresh.id := lib.random_base62(10);
    insert into account (id, shard, name, email, time_zone, low_balance, overdraft, created_at)
    values (fresh.id, lib.shard(fresh.id), fresh.name, fresh.email, fresh.time_zone, fresh.low_balance,
            fresh.overdraft, lib.now());
    insert into account_cursor (account) values (fresh.id);
    insert into ledger_account (account, kind, asset) values (fresh.id, 'wallet', 'CREDIT');
    perform mirror.account_sync(fresh.id, jsonb_build_object('state', 'active', 'plan', 'payg'));
    perform lib.audit(args, 'account.create', fresh.id, jsonb_build_object('name', fresh.name));

    if join_credits > 0 then
        perform ledger.grant_credits(fresh.id, join_credits, 'join', 'join:' || fresh.id);
    end if;

    if lib.arg_code(args, 'plan', false) <> 'payg' then
        perform api.account_set_plan(args || jsonb_build_object('account', fresh.id));
    end if;

    return api.account_json(a) from account a where a.id = fresh.id;
end $$;
comment on function api.account_create is 'Makes an account, with the credits that are given on joining.';
