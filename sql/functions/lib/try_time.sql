create or replace function lib.try_time(value text) returns timestamptz
language plpgsql stable
as $$
begin
    return lib.arg_time(jsonb_build_object('time', value), 'time');
exception when sqlstate 'PT422' then
    return null;
end $$;
comment on function lib.try_time is 'A text as a time, null where it is none.';
