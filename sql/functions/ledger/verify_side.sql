create or replace function ledger.verify_side(account text) returns jsonb
language plpgsql stable
set search_path = public, pg_temp
as $$
declare
    answer jsonb;
begin
    select jsonb_build_object('account', c.account, 'epoch', c.epoch, 'last_seq', c.last_seq,
               'avail', c.last_avail::text, 'held', c.last_held::text, 'cmd_last', c.command_no,
               'balance', ledger.balance(c.account)::text,
               'unapplied', coalesce((select jsonb_agg(jsonb_build_object('no', d.no, 'delta', d.delta::text)
                                                       order by d.no)
                                      from command d
                                      where d.account = c.account and d.delta <> 0 and d.no > c.last_cmd), '[]'))
    into answer
    from account_cursor c
    where c.account = verify_side.account;

    if answer is null then
        perform lib.refuse(404, 'account_not_found', format('there is no account "%s"', verify_side.account));
    end if;

    return answer;
end $$;
comment on function ledger.verify_side is 'What the ledger knows of a wallet: its cursor, its balance, and the commands of which no event is settled yet.';
