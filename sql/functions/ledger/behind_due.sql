create or replace function ledger.behind_due() returns boolean
language sql stable
set search_path = public, pg_temp
as $$
    select exists (select from stream_behind where scanned_at is null and ended_at is null);
$$;
comment on function ledger.behind_due is 'Whether the wallets have to be looked at for commands that this database forgot.';
