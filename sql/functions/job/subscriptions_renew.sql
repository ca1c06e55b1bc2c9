create or replace function job.subscriptions_renew(due_at timestamptz) returns jsonb
language plpgsql
set search_path = public, pg_temp
as $$
declare
    ended record;
    before subscription;
    changes jsonb := '[]';
    change jsonb;
    renewed bigint := 0;
    expired bigint := 0;
begin
    -- a row at a time: each account is locked before its subscription
    for ended in
        select s.id, s.account from subscription s
        where s.ended_at is null and s.period_end <= lib.now()
        order by s.account
    loop
        perform 1 from account_cursor c where c.account = ended.account for update;
        select * into before from subscription s where s.id = ended.id;

        -- period n is anchor + n * interval, so that months keep their day
        update subscription s
        set period_no = n.period_no,
            period_start = lib.period(s.anchor, s.interval, n.period_no),
            period_end = lib.period(s.anchor, s.interval, n.period_no + 1)
        from (select min(n) as period_no from subscription o, generate_series(o.period_no + 1, o.period_no + 1200) n
              where o.id = ended.id and lib.period(o.anchor, o.interval, n + 1) > lib.now()) n
        where s.id = ended.id and s.auto_renew and s.ended_at is null and s.period_end <= lib.now();
        if found then
            renewed := renewed + 1;
            changes := changes || jsonb_build_array(jsonb_build_array('subscription.renew', before, ended.id));
            continue;
        end if;

        update subscription s set ended_at = s.period_end
        where s.id = ended.id and not s.auto_renew and s.ended_at is null and s.period_end <= lib.now();
        if found then
            update account a set plan = 'payg' where a.id = ended.account;
            perform mirror.account_sync(ended.account, jsonb_build_object('plan', 'payg'));
            expired := expired + 1;
            changes := changes || jsonb_build_array(jsonb_build_array('subscription.end', before, ended.id));
        end if;
    end loop;

    -- last, for whoever else has something to audit waits from here on
    for change in select value from jsonb_array_elements(changes) loop
        perform lib.audit('{}', change ->> 0, change -> 1 ->> 'account',
                          (select to_jsonb(s) from subscription s where s.id = (change ->> 2)::bigint),
                          before => change -> 1);
    end loop;

    return jsonb_build_object('renewed', renewed, 'expired', expired);
end $$;
comment on function job.subscriptions_renew is 'Gives subscriptions whose period is over their current period, or ends them, back to payg.';
