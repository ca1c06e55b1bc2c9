create or replace function api.plan_rate(args jsonb, argument text) returns numeric
language plpgsql immutable
as $$
declare
    wanted constant text := 'requests a second as "2.5", from "0.000001" to "1000000", or null';
    rate numeric;
begin
    rate := lib.decimal(args, argument, 6, wanted) / 1000000.0;
    if rate <= 0 or rate > 1000000 then
        perform lib.invalid(argument, wanted);
    end if;

    return rate;
end $$;
comment on function api.plan_rate is 'An argument of requests a second, null for no limit.';
