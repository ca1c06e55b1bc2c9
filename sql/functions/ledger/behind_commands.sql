create or replace function ledger.behind_commands(account text, told bigint, fresh bigint, cmd bigint) returns void
language plpgsql
set search_path = public, pg_temp
as $$
declare
    number bigint;
begin
    perform 1 from account_cursor c
    where c.account = behind_commands.account and c.command_no = told + fresh
    for update;
    if not found then
        raise exception 'command_no_moved' using errcode = 'PT409',
            detail = format('account %s has got a command meanwhile', account);
    end if;

    -- what was asked for since has numbers that the wallet would take for old ones
    for number in
        select d.no from command d where d.account = behind_commands.account and d.no > told order by d.no desc
    loop
        update command d set no = d.no + cmd - told where d.account = behind_commands.account and d.no = number;
        update void_request v set command = v.command + cmd - told
        where v.account = behind_commands.account and v.command = number;
    end loop;

    update account_cursor c set command_no = cmd + fresh where c.account = behind_commands.account;
    insert into command_forgotten (account, after_no, to_no, found_at)
    values (behind_commands.account, told, cmd, lib.now());
    insert into alert (at, kind, account, detail)
    values (lib.now(), 'commands_forgotten', behind_commands.account,
            jsonb_build_object('from', told + 1, 'to', cmd));
end $$;
comment on function ledger.behind_commands is 'Notes that a wallet (cmd) has commands that this database forgot (told is its last one), and gives those that nobody has carried numbers after them.';
