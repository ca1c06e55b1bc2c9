create or replace function mirror.refused(account text, no bigint, answer int) returns void
language plpgsql
set search_path = public, pg_temp
as $$
begin
    update command c set refused = answer
    where c.account = refused.account and c.no = refused.no and c.applied_at is null;

    if answer = -1 then
        perform ledger.recover(refused.account, 'commands_lost');
    else
        perform ledger.account_freeze(refused.account, 'command_refused',
                              jsonb_build_object('command', refused.no, 'answer', answer));
    end if;
end $$;
comment on function mirror.refused is 'Records that Redis refused a command, which freezes the account, or, where commands before it are missing, that its wallet has to be made again.';
