create or replace function mirror.applied(account text, no bigint) returns void
language sql
set search_path = public, pg_temp
as $$
    update command c set applied_at = lib.now(), refused = null
    where c.account = applied.account and c.no = applied.no and c.applied_at is null;
$$;
comment on function mirror.applied is 'Records that a command is in Redis.';
