create or replace function ledger.recover(account text, reason text) returns bigint
language plpgsql
set search_path = public, pg_temp
as $$
declare
    found_id bigint;
begin
    insert into recovery (account, shard, reason, at)
    select a.id, a.shard, recover.reason, lib.now() from account a where a.id = recover.account
    on conflict do nothing;

    select r.id into found_id from recovery r where r.account = recover.account and r.done_at is null;

    return found_id;
end $$;
comment on function ledger.recover is 'Has the wallet of an account made again from the ledger by the settle role that owns its shard; the id of its recovery, null where there is no such account.';
