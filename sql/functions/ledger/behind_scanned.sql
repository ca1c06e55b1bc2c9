create or replace function ledger.behind_scanned() returns void
language sql
set search_path = public, pg_temp
as $$
    update stream_behind set scanned_at = lib.now() where scanned_at is null and ended_at is null;
$$;
comment on function ledger.behind_scanned is 'Notes that the wallets were looked at for forgotten commands.';
