create or replace function ledger.commands_adopt(stream text) returns void
language plpgsql
set search_path = public, pg_temp
as $$
declare
    command record;
begin
    -- a loop over commands with credits that were given after the copy which was restored
    for command in
        select e.id, e.account, e.cmd, e.delta, to_timestamp(e.at_us / 1000000.0) as at
        from settle_event e
        join command_forgotten f on f.account = e.account and e.cmd > f.after_no and e.cmd <= f.to_no
        join account_cursor c on c.account = e.account
        where e.kind = 'command' and (e.epoch, e.seq) > (c.epoch, c.last_seq)
          and not exists (select from command d where d.account = e.account and d.no = e.cmd)
        order by e.account, e.cmd
    loop
        insert into command (account, no, delta, created_at, applied_at)
        values (command.account, command.cmd, command.delta, command.at, lib.now())
        on conflict do nothing;

        -- the ledger never has less than nothing: what is too much the register's check finds
        if found and ledger.balance(command.account) + command.delta >= 0 then
            perform ledger.post_recovery('adopted:' || commands_adopt.stream || ':' || command.id, command.account,
                                         command.delta, command.at, 'given by a command that was forgotten');
        end if;
    end loop;
end $$;
comment on function ledger.commands_adopt is 'Posts the credits of commands in settle_event that this database forgot, each once, so that the register goes on.';
