create or replace function job.subscriptions_renew(due_at timestamptz) returns jsonb
language plpgsql
set search_path = public, pg_temp
as $$
declare
    ended record;
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
            continue;
        end if;

        update subscription s set ended_at = s.period_end
        where s.id = ended.id and not s.auto_renew and s.ended_at is null and s.period_end <= lib.now();
        if found then
            update account a set plan = 'payg' where a.id = ended.account;
            perform mirror.account_sync(ended.account, jsonb_build_object('plan', 'payg'));
            expired := expired + 1;
        end if;
    end loop;

    return jsonb_build_object('renewed', renewed, 'expired', expired);
end $$;
comment on function job.subscriptions_renew is 'Gives subscriptions whose period is over their current period, or ends them, back to payg.';
