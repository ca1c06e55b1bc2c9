create or replace function job.content_sweep(due_at timestamptz) returns jsonb
language plpgsql
set search_path = public, pg_temp
as $$
declare
    over record;
    swept bigint := 0;
begin
    perform 1 from account_cursor c
    where c.account in (select e.account from entitlement e where e.state = 'active' and e.until <= lib.now())
    order by c.account
    for update;

    for over in
        update entitlement e set state = 'ended', ended_at = lib.now()
        where e.state = 'active' and e.until <= lib.now()
          and not exists (select from entitlement p
                          where p.account = e.account and p.content = e.content and p.state = 'pending')
        returning e as row
    loop
        perform mirror.entitlement_ended(over.row);
        swept := swept + 1;
    end loop;

    return jsonb_build_object('ended', swept);
end $$;
comment on function job.content_sweep is 'Takes entitlements whose time is over out of the wallets.';
