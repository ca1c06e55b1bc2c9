create or replace function ledger.commands_adopt(stream text) returns void
language plpgsql
set search_path = public, pg_temp
as $$
declare
    command record;
begin
    -- a loop over commands that changed balances and were given after the copy which was restored
    for command in
        select distinct on (e.account, e.cmd) e.id, e.account, e.cmd, e.kind, to_timestamp(e.at_us / 1000000.0) as at,
               case e.kind when 'command' then e.delta else 0 end as delta,
               case e.kind when 'adjust' then jsonb_build_object('level', (e.avail)::text)
                           when 'lapse' then jsonb_build_object('lapse', e.request_id)
                           else '{}' end as fields
        from settle_event e
        join command_forgotten f on f.account = e.account and e.cmd > f.after_no and e.cmd <= f.to_no
        join account_cursor c on c.account = e.account
        where e.kind in ('command', 'adjust', 'lapse') and (e.epoch, e.seq) > (c.epoch, c.last_seq)
          and not exists (select from command d where d.account = e.account and d.no = e.cmd)
        order by e.account, e.cmd, e.n
    loop
        insert into command (account, no, delta, set_fields, created_at, applied_at)
        values (command.account, command.cmd, command.delta, command.fields, command.at, lib.now())
        on conflict do nothing;

        -- the ledger never has less than nothing: what is too much the register's check finds
        if command.delta <> 0 and ledger.balance(command.account) + command.delta >= 0 then
            perform ledger.post_recovery('adopted:' || commands_adopt.stream || ':' || command.id, command.account,
                                         command.delta, command.at, 'given by a command that was forgotten');
        end if;
    end loop;
end $$;
comment on function ledger.commands_adopt is 'Takes commands in settle_event over that this database forgot, and posts their credits, each once, so that the register goes on.';
