create or replace function api.app_create(args jsonb) returns jsonb
language plpgsql
set search_path = public, pg_temp
as $$
declare
    owner account := api.account_find(args);
    fresh app;
begin
    insert into app (id, account, name, kind, created_at)
    values ('app_' || lib.random_base62(10), owner.id, lib.arg_text(args, 'name', true),
            lib.arg_one_of(args, 'kind', array['mobile', 'desktop', 'web', 'api'], 'api'), lib.now())
    returning * into fresh;
    perform mirror.command(owner.id, 0, jsonb_build_object('a:' || fresh.id, 'active'));
    perform lib.audit(args, 'app.create', fresh.id, api.app_json(fresh));

    return api.app_json(fresh);
end $$;
comment on function api.app_create is 'Makes an app of an account.';
