create or replace function api.unpaid_charge(args jsonb) returns jsonb
language plpgsql
set search_path = public, pg_temp
as $$
declare
    target account := api.account_find(args);
    charge_id text := replace(gen_random_uuid()::text, '-', '');
    due bigint;
    owed bigint;
    requests bigint;
begin
    perform 1 from account_cursor c where c.account = target.id for update;
    perform ledger.grants_reopen(target.id);

    select count(*), coalesce(sum(u.credits), 0), coalesce(sum(u.credits) filter (where u.verdict = 'pass'), 0)
    into requests, due, owed
    from unpaid_use u
    where u.account = target.id and u.state = 'open';

    if due > ledger.balance(target.id) - ledger.scoped(target.id) then
        perform lib.refuse(409, 'credits_insufficient', format('the account owes %s credits and has %s',
                    lib.credits(due), lib.credits(ledger.balance(target.id) - ledger.scoped(target.id))));
    end if;

    -- the wallet itself decides whether it has so much, and tells by an event
    if requests > 0 then
        update unpaid_use u set state = 'charging', taking = charge_id
        where u.account = target.id and u.state = 'open';
        perform mirror.command(target.id, 0, jsonb_strip_nulls(
                    jsonb_build_object('take', charge_id || ' ' || due, 'owed', nullif(owed, 0)::text)));
        perform lib.audit(args, 'unpaid.charge', target.id,
                          jsonb_build_object('credits', lib.credits(due), 'requests', requests, 'state', 'charging',
                                             'charge', charge_id),
                          before => jsonb_build_object('credits', lib.credits(due), 'requests', requests,
                                                       'state', 'open'));
    end if;

    return jsonb_build_object('account', target.id, 'requests', requests, 'credits', lib.credits(due),
               'state', case when requests > 0 then 'charging' else 'done' end,
               'charge', case when requests > 0 then charge_id end);
end $$;
comment on function api.unpaid_charge is 'Has the wallet of an account pay what it owes, all of it or, where it has too little by then, nothing.';
