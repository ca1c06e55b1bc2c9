create or replace function job.content_sweep(due_at timestamptz) returns jsonb
language plpgsql
set search_path = public, pg_temp
as $$
declare
    over record;
    ended jsonb := '[]';
    one jsonb;
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
        ended := ended || api.entitlement_json(over.row);
    end loop;

    -- last, for whoever else has something to audit waits from here on
    for one in select value from jsonb_array_elements(ended) loop
        perform lib.audit('{}', 'entitlement.end', one ->> 'id', one,
                          before => one || '{"state": "active", "ended_at": null}');
    end loop;

    return jsonb_build_object('ended', jsonb_array_length(ended));
end $$;
comment on function job.content_sweep is 'Takes entitlements whose time is over out of the wallets.';
