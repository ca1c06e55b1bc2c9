create or replace function api.app_find(args jsonb) returns app
language plpgsql
set search_path = public, pg_temp
as $$
declare
    found_app app;
begin
    select * into found_app from app a where a.id = args ->> 'app' for update;
    if not found then
        perform lib.refuse(404, 'app_not_found', format('there is no app "%s"', left(args ->> 'app', 64)));
    end if;

    return found_app;
end $$;
comment on function api.app_find is 'The app that the arguments name, locked, or a refusal.';
