create or replace function api.app_update(args jsonb) returns jsonb
language plpgsql
set search_path = public, pg_temp
as $$
declare
    target app := api.app_find(args);
    after app;
begin
    -- first as everywhere: who audits while it waits for an account could wait for ever
    perform 1 from account_cursor c where c.account = target.account for update;
    target := api.app_find(args);
    after := target;

    if args ? 'name' then
        after.name := lib.arg_text(args, 'name', true);
    end if;
    after.state := lib.arg_one_of(args, 'state', array['active', 'suspended'], target.state);

    if after is distinct from target then
        update app a set name = after.name, state = after.state where a.id = target.id;
        if after.state <> target.state then
            perform mirror.command(target.account, 0, jsonb_build_object('a:' || target.id, after.state));
        end if;
        perform lib.audit(args, 'app.update', target.id, api.app_json(after), before => api.app_json(target));
    end if;
    if args ? 'limits' then
        perform api.limits_change(args, 'app', target.id, target.account, args -> 'limits');
    end if;

    return api.app_json(after);
end $$;
comment on function api.app_update is 'Changes name, state and limits of an app; what is not given stays.';
