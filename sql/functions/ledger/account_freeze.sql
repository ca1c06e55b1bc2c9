create or replace function ledger.account_freeze(account text, reason text, detail jsonb) returns void
language plpgsql
set search_path = public, pg_temp
as $$
begin
    -- first as everywhere, so that two who freeze it wait for each other in turn
    perform 1 from account_cursor c where c.account = account_freeze.account for update;

    update account a set state = 'frozen' where a.id = account_freeze.account and a.state <> 'frozen';
    if found then
        perform mirror.command(account_freeze.account, 0, jsonb_build_object('state', 'frozen'));
        insert into alert (at, kind, account, detail) values (lib.now(), reason, account_freeze.account, account_freeze.detail);
    end if;
end $$;
comment on function ledger.account_freeze is 'Stops an account at the edge, with an alert, until an operator has looked.';
