create or replace function lib.setting(name text) returns text
language sql stable
set search_path = public, pg_temp
as $$
    select value from setting s where s.name = setting.name;
$$;
comment on function lib.setting is 'The value of a setting, null where there is none.';
