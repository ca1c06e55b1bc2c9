create or replace function ledger.owed_charge(account text) returns void
language plpgsql
set search_path = public, pg_temp
as $$
declare
    charge_id text := replace(gen_random_uuid()::text, '-', '');
    room bigint;
    due bigint;
begin
    -- what the wallet will have, as far as is known here; it decides itself
    select c.last_avail - ledger.scoped(c.account)
           + coalesce((select sum(d.delta) from command d where d.account = c.account and d.no > c.last_cmd), 0)
           - coalesce((select sum(u.credits) from unpaid_use u
                       where u.account = c.account and u.state = 'charging'), 0)
    into room
    from account_cursor c
    where c.account = owed_charge.account
    for update;

    with line as (
        select u.id, sum(u.credits) over (order by u.id) as total
        from unpaid_use u
        where u.account = owed_charge.account and u.state = 'open' and u.verdict = 'pass'
    ), taken as (
        update unpaid_use u set state = 'charging', taking = charge_id
        from line l
        where u.id = l.id and l.total <= room
        returning u.credits
    )
    select sum(credits) into due from taken;

    if due > 0 then
        perform mirror.command(owed_charge.account, 0,
                               jsonb_build_object('take', charge_id || ' ' || due, 'owed', due::text));
    end if;
end $$;
comment on function ledger.owed_charge is 'Has the wallet pay what the account owes for responses that came to more than was held, the oldest first, as far as it will have so much.';
