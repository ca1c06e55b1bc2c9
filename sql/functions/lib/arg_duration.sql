create or replace function lib.arg_duration(args jsonb, argument text, most interval, fallback interval) returns interval
language plpgsql immutable
as $$
declare
    value text := lib.arg_text(args, argument, false, 20);
    units jsonb := '{"s": "1 second", "m": "1 minute", "h": "1 hour", "d": "24 hours"}';
    length interval;
begin
    if value is null then
        return fallback;
    end if;

    if value ~ '^\d{1,7}[smhd]$' then
        length := left(value, -1)::int * (units ->> right(value, 1))::interval;
    end if;
    if length is null or length > most then
        perform lib.invalid(argument, format('a duration such as 90s, 30m, 24h or 7d, at most %sd',
                                             extract(epoch from most)::bigint / 86400));
    end if;

    return length;
end $$;
comment on function lib.arg_duration is 'An argument that says how long, the fallback where it is absent.';
