create or replace function ledger.proof_differs(account text, finding jsonb) returns boolean
language plpgsql
set search_path = public, pg_temp
as $$
begin
    perform 1 from account_cursor c where c.account = proof_differs.account for update;
    if exists (select from account a where a.id = proof_differs.account and a.state = 'frozen') then
        return false;
    end if;
    -- there the wallet is right, and this database behind it
    if exists (select from account a join stream_behind b on b.stream = format('tg:{%s}:ledger', a.shard)
               where a.id = proof_differs.account and b.ended_at is null) then
        return false;
    end if;

    perform ledger.account_freeze(proof_differs.account, 'diverged', finding);

    return true;
end $$;
comment on function ledger.proof_differs is 'Freezes an account whose wallet is not what the ledger says; false where it is frozen already, or its shard has to catch up.';
