create or replace function api.account_with(a account, args jsonb) returns account
language plpgsql stable
set search_path = public, pg_temp
as $$
begin
    if a.name is null or args ? 'name' then
        a.name := lib.arg_text(args, 'name', true);
    end if;
    if args ? 'email' then
        a.email := lib.arg_text(args, 'email', false, 320);
        if a.email is not null and a.email !~ '^[^@\s]+@[^@\s]+$' then
            perform lib.invalid('email', 'an address as somchai@example.com');
        end if;
    end if;
    if coalesce(args -> 'time_zone', 'null') <> 'null' then
        a.time_zone := lib.arg_zone(args, 'time_zone');
    end if;
    if args ? 'low_balance' then
        a.low_balance := lib.arg_percents(args, 'low_balance', 100);
    end if;

    if args ? 'overdraft' then
        a.overdraft := coalesce(lib.micro(args, 'overdraft'), 0);
        if a.overdraft < 0 then
            perform lib.invalid('overdraft', 'an amount of credits as "12.5", or 0 for none');
        end if;
    end if;

    a.time_zone := coalesce(a.time_zone, 'UTC');
    a.low_balance := coalesce(a.low_balance, '{}');
    a.overdraft := coalesce(a.overdraft, 0);

    return a;
end $$;
comment on function api.account_with is 'An account with its name, email, time zone, low balance and overdraft as the arguments have them; what is not given stays.';
