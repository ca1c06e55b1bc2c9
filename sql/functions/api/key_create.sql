create or replace function api.key_create(args jsonb) returns jsonb
language plpgsql
set search_path = public, pg_temp
as $$
declare
    owner app;
    wanted text := lib.arg_text(args, 'app', true);
    fresh api_key;
begin
    select * into owner from app a where a.id = wanted;
    if not found then
        perform lib.refuse(404, 'app_not_found', format('there is no app "%s"', left(wanted, 64)));
    end if;

    fresh := api.key_with(fresh, args);
    fresh.app := owner.id;
    fresh.account := owner.account;
    fresh.prefix := case when lib.arg_bool(args, 'test', false) then 'tg_test_' else 'tg_live_' end;

    return api.key_issue(args, 'key.create', fresh);
end $$;
comment on function api.key_create is 'Makes a key of an app.';
