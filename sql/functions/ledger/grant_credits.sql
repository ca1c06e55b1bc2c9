create or replace function ledger.grant_credits(account text, amount bigint, source text, issue_key text,
                                                note text default '') returns bigint
language plpgsql
set search_path = public, pg_temp
as $$
declare
    txn_id bigint;
    grant_id bigint;
begin
    perform 1 from account_cursor c where c.account = grant_credits.account for update;

    insert into ledger_txn (key, kind, account, description, at)
    values ('grant:' || issue_key, 'grant', grant_credits.account,
            grant_credits.source || case when note = '' then '' else ': ' || note end, lib.now())
    on conflict (key) do nothing
    returning id into txn_id;

    if txn_id is null then
        return null;
    end if;

    insert into credit_grant (account, source, priority, amount, remaining, note, effective_at, issue_key, txn)
    values (grant_credits.account, grant_credits.source, 50, grant_credits.amount, grant_credits.amount,
            grant_credits.note, lib.now(), grant_credits.issue_key, txn_id)
    returning id into grant_id;

    insert into ledger_entry (txn, n, ledger_account, amount, credit_grant)
    values (txn_id, 1, ledger.system_account('issued'), -grant_credits.amount, null),
           (txn_id, 2, ledger.wallet(grant_credits.account), grant_credits.amount, grant_id);

    perform mirror.command(grant_credits.account, grant_credits.amount);
    perform ledger.owed_charge(grant_credits.account);

    return grant_id;
end $$;
comment on function ledger.grant_credits is 'Gives credits to an account in the ledger, and by a command at the edge; null where this issue key was used before.';
