create or replace function api.account_set_plan(args jsonb) returns jsonb
language plpgsql
set search_path = public, pg_temp
as $$
declare
    target account := api.account_find(args);
    wanted text := lib.arg_code(args, 'plan');
    renews boolean := lib.arg_bool(args, 'auto_renew', true);
    renewed boolean;
    current_version plan_version;
begin
    perform 1 from account_cursor c where c.account = target.id for update;
    target := api.account_find(args);

    select v.* into current_version from plan p join plan_version v on v.plan = p.code and v.version = p.version
    where p.code = wanted;
    if not found then
        perform lib.refuse(404, 'plan_not_found', format('there is no plan "%s"', wanted));
    end if;

    select s.auto_renew into renewed from subscription s where s.account = target.id and s.ended_at is null;
    update subscription s set auto_renew = renews
    where s.account = target.id and s.ended_at is null and s.plan = wanted and s.plan_version = current_version.version;

    if not found then
        update subscription s set ended_at = greatest(lib.now(), s.period_start)
        where s.account = target.id and s.ended_at is null;

        if wanted <> 'payg' then
            insert into subscription (account, plan, plan_version, anchor, interval, period_start, period_end,
                                      auto_renew, created_at)
            values (target.id, wanted, current_version.version, lib.now(), current_version.interval, lib.now(),
                    lib.period(lib.now(), current_version.interval, 1), renews, lib.now());
        end if;
    end if;

    update account a set plan = wanted where a.id = target.id and a.plan <> wanted;
    perform mirror.account_sync(target.id, case when target.plan <> wanted then jsonb_build_object('plan', wanted)
                                                else '{}' end);
    perform lib.audit(args, 'account.set_plan', target.id,
                      jsonb_build_object('plan', wanted, 'auto_renew', renews),
                      before => jsonb_build_object('plan', target.plan, 'auto_renew', renewed));

    return api.account_get(jsonb_build_object('account', target.id));
end $$;
comment on function api.account_set_plan is 'Subscribes an account to a plan from now on; payg ends its subscription.';
