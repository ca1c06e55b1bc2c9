create or replace function ledger.repair_end(args jsonb, account text) returns text
language plpgsql
set search_path = public, pg_temp
as $$
declare
    before text;
    found_state text;
begin
    perform 1 from account_cursor c where c.account = repair_end.account for update;

    select l.detail ->> 'state' into before
    from alert l
    where l.account = repair_end.account and l.closed_at is null and l.detail ? 'state'
    order by l.id
    limit 1;
    before := coalesce(before, 'active');

    update alert l set closed_at = lib.now()
    where l.account = repair_end.account and l.closed_at is null
      and l.kind in ('command_refused', 'diverged', 'register_broken');

    select a.state into found_state from account a where a.id = repair_end.account;
    if found_state = 'frozen' then
        update account a set state = before where a.id = repair_end.account;
        perform mirror.command(account, 0, jsonb_build_object('state', before));
        perform lib.audit(args, 'account.unfreeze', account, jsonb_build_object('state', before),
                          before => jsonb_build_object('state', 'frozen'));
        found_state := before;
    end if;

    return found_state;
end $$;
comment on function ledger.repair_end is 'Lets an account pass again that is right, as it did before it was frozen, and closes its alerts; its state.';
