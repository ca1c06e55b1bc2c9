create or replace function ledger.catchup_begin() returns void
language plpgsql
set search_path = public, pg_temp
as $$
begin
    perform ledger.settle_begin();
    -- wallets as Redis has them, and the first event of each account that is still there
    create temporary table catchup_wallet (
        account text collate "C" primary key, epoch bigint, seq bigint, avail bigint, held bigint, cmd bigint
    ) on commit drop;
    create temporary table catchup_first (
        account text collate "C" primary key, epoch bigint, seq bigint, kind text, delta bigint, avail bigint,
        held bigint, credits bigint, cmd bigint, events bigint
    ) on commit drop;
end $$;
comment on function ledger.catchup_begin is 'Makes the temporary tables of a stream that catches up.';
