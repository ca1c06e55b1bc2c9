create or replace function job.credits_daily(due_at timestamptz) returns jsonb
language plpgsql
set search_path = public, pg_temp
as $$
declare
    -- the day before yesterday once more, for usage that came late
    first date := (due_at at time zone 'UTC')::date - 2;
    last date := first + 1;
    amount bigint := lib.setting('daily_credits')::bigint;
    granted bigint := 0;
begin
    if amount > 0 then
        select count(ledger.grant_credits(active.account, amount, 'daily',
                                          'daily:' || active.account || ':' || active.day, 'active on ' || active.day))
        into granted
        from (select distinct u.account, (u.at at time zone 'UTC')::date as day
              from usage_event u join account a on a.id = u.account
              where u.at >= first::timestamp at time zone 'UTC' and u.at < (last + 1)::timestamp at time zone 'UTC'
                and u.verdict in ('pass', 'pass_open', 'pass_stale') and not u.dry_run and a.state = 'active'
                and ledger.balance(u.account) + amount <= 9007199254740991
              order by u.account, day) active;
        if granted > 0 then
            perform lib.audit('{}', 'credits.daily', 'accounts',
                              jsonb_build_object('days', jsonb_build_array(first, last), 'credits', lib.credits(amount),
                                                 'granted', granted));
        end if;
    end if;

    return jsonb_build_object('day', last, 'granted', granted);
end $$;
comment on function job.credits_daily is 'Gives credits to every account that had a request pass on one of the two days before the due time, once a day.';
