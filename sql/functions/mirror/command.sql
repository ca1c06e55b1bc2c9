create or replace function mirror.command(account text, delta bigint default 0, set_fields jsonb default '{}',
                                          del_fields jsonb default '[]') returns bigint
language plpgsql
set search_path = public, pg_temp
as $$
declare
    number bigint;
begin
    update account_cursor c set command_no = c.command_no + 1
    where c.account = command.account
    returning c.command_no into strict number;

    insert into command (account, no, delta, set_fields, del_fields, created_at)
    values (command.account, number, command.delta, command.set_fields, command.del_fields, lib.now());
    perform pg_notify('tollgate_mirror', '');

    return number;
end $$;
comment on function mirror.command is 'Gives the next command of an account to the mirror; its number.';
