create or replace function ledger.level_note(account text, no bigint) returns text
language sql stable
set search_path = public, pg_temp
as $$
    select 'set to ' || lib.credits((c.set_fields ->> 'level')::bigint)
    from command c
    where c.account = level_note.account and c.no = level_note.no;
$$;
comment on function ledger.level_note is 'What the statement says of the command that brought a balance to a level.';
