create or replace function api.account_set_state(args jsonb) returns jsonb
language plpgsql
set search_path = public, pg_temp
as $$
declare
    target account := api.account_find(args);
    wanted text := lib.arg_one_of(args, 'state', array['active', 'suspended']);
begin
    perform 1 from account_cursor c where c.account = target.id for update;
    target := api.account_find(args);

    if target.state = 'frozen' then
        perform lib.refuse(409, 'account_frozen', 'the register of this account is broken; see tollgate ledger verify');
    end if;

    if target.state <> wanted then
        update account a set state = wanted where a.id = target.id;
        perform mirror.command(target.id, 0, jsonb_build_object('state', wanted));
        perform lib.audit(args, 'account.set_state', target.id,
                          jsonb_build_object('state', wanted), before => jsonb_build_object('state', target.state));
    end if;

    return api.account_get(args);
end $$;
comment on function api.account_set_state is 'Suspends an account, or lets it pass again.';
