create or replace function ledger.forgotten_list() returns table (account text, after_no bigint, to_no bigint)
language sql stable
set search_path = public, pg_temp
as $$
    select f.account, f.after_no, f.to_no
    from command_forgotten f
    where f.found_at >= (select min(found_at) from stream_behind where ended_at is null)
    order by f.account;
$$;
comment on function ledger.forgotten_list is 'Commands that wallets have and this database forgot, of those that are behind now.';
