create or replace function lib.arg_zone(args jsonb, argument text) returns text
language plpgsql stable
as $$
declare
    value text := lib.arg_text(args, argument, false, 64);
begin
    -- capitals: not the server's own, as "localtime" or "posix/UTC"
    if value !~ '^[A-Z]' or not exists (select from pg_timezone_names where name = value) then
        perform lib.invalid(argument, 'a time zone of the IANA database, as Asia/Bangkok');
    end if;

    return value;
end $$;
comment on function lib.arg_zone is 'An argument that names a time zone; null where it is absent.';
