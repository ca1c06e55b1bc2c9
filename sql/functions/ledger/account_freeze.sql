create or replace function ledger.account_freeze(account text, reason text, detail jsonb) returns void
language plpgsql
set search_path = public, pg_temp
as $$
declare
    before text;
begin
    -- first as everywhere, so that two who freeze it wait for each other in turn
    perform 1 from account_cursor c where c.account = account_freeze.account for update;

    select a.state into before from account a where a.id = account_freeze.account;
    if before <> 'frozen' then
        update account a set state = 'frozen' where a.id = account_freeze.account;
        perform mirror.command(account_freeze.account, 0, jsonb_build_object('state', 'frozen'));
        insert into alert (at, kind, account, detail)
        values (lib.now(), reason, account_freeze.account, account_freeze.detail || jsonb_build_object('state', before));
        perform lib.audit('{}', 'account.freeze', account_freeze.account,
                          jsonb_build_object('state', 'frozen', 'reason', reason, 'detail', account_freeze.detail),
                          before => jsonb_build_object('state', before));
    end if;
end $$;
comment on function ledger.account_freeze is 'Stops an account at the edge, with an alert, until an operator has looked.';
