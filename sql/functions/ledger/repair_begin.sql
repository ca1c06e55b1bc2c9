create or replace function ledger.repair_begin(args jsonb, account text, finding jsonb) returns jsonb
language plpgsql
set search_path = public, pg_temp
as $$
declare
    plan jsonb;
    number bigint;
begin
    perform 1 from account_cursor c where c.account = repair_begin.account for update;
    plan := ledger.repair_plan(account, finding);

    if plan ->> 'action' = 'recover' then
        number := ledger.recover(account, 'repair');

        update suspense_event s set recovery = number
        where s.id in (select e.id from ledger.repair_events(repair_begin.account, finding) e);
        update suspense_event s set repaired_at = lib.now()
        where s.account = repair_begin.account and s.repaired_at is null;

        perform lib.audit(args, 'account.repair', account, plan || jsonb_build_object('recovery', number), before => finding);
    end if;

    return plan;
end $$;
comment on function ledger.repair_begin is 'Does what repair_plan says: has the wallet made again from the ledger, with the events in suspense that can be posted; the plan.';
