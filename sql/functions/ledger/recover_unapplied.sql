create or replace function ledger.recover_unapplied(account text) returns bigint
language sql stable
set search_path = public, pg_temp
as $$
    select coalesce(sum(d.delta), 0)::bigint from command d
    where d.account = recover_unapplied.account and d.no > ledger.recover_command(recover_unapplied.account);
$$;
comment on function ledger.recover_unapplied is 'Micro-credits of the commands that a wallet gets after it was made again.';
