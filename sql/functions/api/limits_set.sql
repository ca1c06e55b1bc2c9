create or replace function api.limits_set(args jsonb, kind text, holder text, list jsonb) returns void
language plpgsql
set search_path = public, pg_temp
as $$
declare
    change jsonb := jsonb_build_object(kind, holder, 'limits', list, '_actor', args -> '_actor');
begin
    case kind
        when 'account' then perform api.account_set_limits(change);
        when 'app' then perform api.app_update(change);
        when 'key' then perform api.key_update(change);
        else perform api.plan_put(change);
    end case;
end $$;
comment on function api.limits_set is 'Gives a plan, account, app or key a list of limits as its own endpoint does.';
