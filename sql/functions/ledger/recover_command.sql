create or replace function ledger.recover_command(account text) returns bigint
language sql stable
set search_path = public, pg_temp
as $$
    -- what only the edge can carry out has to reach it, and so has what follows
    select coalesce((select min(d.no) - 1 from command d
                     where d.account = c.account and d.no > c.last_cmd
                       and (d.refused in (-2, -3) and d.applied_at is null
                            or d.set_fields ?| array['lapse', 'level']
                            or d.set_fields ? 'take'
                               and not exists (select from charge h
                                               where h.request_id = split_part(d.set_fields ->> 'take', ' ', 1)
                                                 and h.account = d.account and h.kind = 'charge'))),
                    c.command_no)
    from account_cursor c
    where c.account = recover_command.account;
$$;
comment on function ledger.recover_command is 'The last command of an account that its wallet has in it when it is made again.';
