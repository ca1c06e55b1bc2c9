create or replace function ledger.proof_differs(account text, finding jsonb) returns text
language plpgsql
set search_path = public, pg_temp
as $$
begin
    perform 1 from account_cursor c where c.account = proof_differs.account for update;
    -- there the wallet is right, and this database behind it
    if exists (select from account a join stream_behind b on b.stream = format('tg:{%s}:ledger', a.shard)
               where a.id = proof_differs.account and b.ended_at is null) then
        return '';
    end if;

    -- what was found may have been put right since
    if not exists (select from account_cursor c
                   where c.account = proof_differs.account and c.epoch::text = finding ->> 'known_epoch') then
        return '';
    end if;

    if finding ->> 'reason' in ('epoch', 'register_ahead', 'wallet_missing') then
        perform ledger.recover(proof_differs.account, finding ->> 'reason');
        return 'recovers';
    end if;

    if exists (select from account a where a.id = proof_differs.account and a.state = 'frozen') then
        return '';
    end if;
    perform ledger.account_freeze(proof_differs.account, 'diverged', finding);

    return 'frozen';
end $$;
comment on function ledger.proof_differs is 'Freezes an account whose wallet is not what the ledger says; where Redis lost it, has it made again. Which of the two: frozen, recovers, or nothing, where it is frozen already or its shard has to catch up.';
