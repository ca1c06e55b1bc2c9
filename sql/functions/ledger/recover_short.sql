create or replace function ledger.recover_short(account text, recovery bigint, pocket text, credits bigint, batch text)
returns void
language plpgsql
set search_path = public, pg_temp
as $$
declare
    txn_id bigint;
    grant_id bigint;
begin
    insert into ledger_txn (key, kind, account, description, at)
    values (format('short:%s:%s:%s', recover_short.recovery, batch, recover_short.pocket), 'writeoff', recover_short.account,
            'charged twice over after a loss of the store', lib.now())
    returning id into txn_id;

    insert into credit_grant (account, source, pocket, amount, remaining, note, effective_at, created_at, issue_key, txn)
    values (recover_short.account, 'adjustment', recover_short.pocket, recover_short.credits, recover_short.credits,
            'made good after a loss of the store', lib.now(), lib.now(),
            format('short:%s:%s:%s', recover_short.recovery, batch, recover_short.pocket), txn_id)
    returning id into grant_id;

    insert into ledger_entry (txn, n, ledger_account, amount, credit_grant)
    values (txn_id, 1, ledger.system_account('writeoff'), -recover_short.credits, null),
           (txn_id, 2, ledger.wallet(recover_short.account), recover_short.credits, grant_id);

    update recovery r set short = r.short + recover_short.credits where r.id = recover_short.recovery;
end $$;
comment on function ledger.recover_short is 'Writes off what an account spent beyond its balance since the store had forgotten what it spent before.';
