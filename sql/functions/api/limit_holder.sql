create or replace function api.limit_holder(args jsonb, out kind text, out holder text)
language plpgsql
set search_path = public, pg_temp
as $$
begin
    if (select count(*) from jsonb_each(args) where key in ('account', 'app', 'key', 'plan') and value <> 'null') <> 1 then
        perform lib.refuse(422, 'invalid_argument', 'one of "account", "app", "key" and "plan" must say whose limit it is');
    end if;

    select e.key, e.value #>> '{}' into kind, holder
    from jsonb_each(args) e where e.key in ('account', 'app', 'key', 'plan') and e.value <> 'null';
    case kind
        when 'account' then perform api.account_find(args);
        when 'app' then perform api.app_find(args);
        when 'key' then perform api.key_find(args);
        else
            if not exists (select from plan p where p.code = holder) then
                perform lib.refuse(404, 'plan_not_found', format('there is no plan "%s"', left(holder, 64)));
            end if;
    end case;
end $$;
comment on function api.limit_holder is 'The plan, account, app or key that the arguments name, or a refusal.';
