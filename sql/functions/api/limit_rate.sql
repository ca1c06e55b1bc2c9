create or replace function api.limit_rate(args jsonb, argument text) returns text
language plpgsql immutable
as $$
declare
    value text := lib.arg_text(args, argument, true, 20);
begin
    value := value || case when value ~ '/' then '' else '/s' end;
    if value !~ '^\d{1,7}(\.\d{1,6})?/[smhd]$' or left(value, -2)::numeric = 0 then
        perform lib.invalid(argument, 'a rate as "5/s", "2.5/s", "300/m", "1000/h" or "50/d"');
    end if;

    return trim_scale(left(value, -2)::numeric) || right(value, 2);
end $$;
comment on function api.limit_rate is 'An argument that is a rate; without a unit it is of requests a second.';
