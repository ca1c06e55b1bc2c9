create or replace function api.plan_put(args jsonb) returns jsonb
language plpgsql
set search_path = public, pg_temp
as $$
declare
    -- what is not given stays, in a new plan it has a default
    given jsonb;
    before jsonb;
    fresh plan_version;
    shown boolean;
    limits text;
begin
    fresh.plan := lib.arg_code(args, 'plan');
    perform pg_advisory_xact_lock(hashtext('tollgate.catalog'));
    before := api.plan_json(fresh.plan);
    given := coalesce(before, '{"tier": "free", "mode": "subscription", "price": "0", "currency": "THB",
                                "interval": "month", "key_burst": 1, "app_burst": 1, "public": true}') || args;

    fresh.name := lib.arg_text(given, 'name', true);
    select rank into fresh.tier from tier t where t.code = lib.arg_text(given, 'tier', true);
    if fresh.tier is null then
        perform lib.invalid('tier', 'one of ' || (select string_agg(code, ', ' order by rank) from tier));
    end if;
    fresh.mode := lib.arg_one_of(given, 'mode', array['payg', 'subscription', 'hybrid']);
    fresh.currency := lib.arg_text(given, 'currency', true, 3);
    if fresh.currency !~ '^[A-Z]{3}$' then
        perform lib.invalid('currency', 'three capital letters as in ISO 4217');
    end if;
    fresh.price := lib.decimal(given, 'price', lib.currency_scale(fresh.currency),
                               'an amount of money as "299.00", not negative');
    -- null is a price by agreement
    if fresh.price < 0 then
        perform lib.invalid('price', 'an amount of money as "299.00", not negative');
    end if;
    fresh.interval := ('1 ' || lib.arg_one_of(given, 'interval', array['month', 'year']))::interval;
    fresh.day_units := lib.arg_int(given, 'day_units', 0, 1000000000000);
    fresh.month_units := lib.arg_int(given, 'month_units', 0, 1000000000000);
    fresh.key_rate := api.plan_rate(given, 'key_rate');
    fresh.key_burst := lib.arg_int(given, 'key_burst', 1, 1000000, 1);
    fresh.app_rate := api.plan_rate(given, 'app_rate');
    fresh.app_burst := lib.arg_int(given, 'app_burst', 1, 1000000, 1);
    fresh.align := lib.arg_one_of(given, 'align', array['calendar', 'anniversary'], 'calendar');
    shown := lib.arg_bool(given, 'public', true);

    if fresh.plan = 'payg' and (fresh.mode <> 'payg' or fresh.tier <> 0) then
        perform lib.refuse(422, 'invalid_argument', 'the plan "payg" is of mode payg and tier free');
    end if;

    insert into plan (code, version, public) values (fresh.plan, 0, shown)
    on conflict (code) do update set public = excluded.public
    returning version + 1 into fresh.version;

    limits := mirror.limit_lines('plan', fresh.plan);
    if args ? 'limits' then
        perform api.limits_replace('plan', fresh.plan, args -> 'limits');
    end if;

    insert into plan_version (plan, version, name, tier, mode, price, currency, interval, day_units, month_units,
                              key_rate, key_burst, app_rate, app_burst, align)
    select fresh.plan, fresh.version, fresh.name, fresh.tier, fresh.mode, fresh.price, fresh.currency, fresh.interval,
           fresh.day_units, fresh.month_units, fresh.key_rate, fresh.key_burst, fresh.app_rate, fresh.app_burst,
           fresh.align
    where limits is distinct from mirror.limit_lines('plan', fresh.plan)
       or not exists (select from plan_version v
                      where v.plan = fresh.plan and v.version = fresh.version - 1
                        and (v.name, v.tier, v.mode, v.currency, v.interval, v.key_burst, v.app_burst, v.align)
                            = (fresh.name, fresh.tier, fresh.mode, fresh.currency, fresh.interval,
                               fresh.key_burst, fresh.app_burst, fresh.align)
                        and (v.price, v.day_units, v.month_units, v.key_rate, v.app_rate)
                            is not distinct from (fresh.price, fresh.day_units, fresh.month_units, fresh.key_rate, fresh.app_rate));
    if found then
        update plan set version = fresh.version where code = fresh.plan;
    end if;

    if api.plan_json(fresh.plan) is distinct from before then
        perform mirror.catalog_changed();
        perform lib.audit(args, 'plan.put', fresh.plan,
                          api.plan_json(fresh.plan), before => before);
    end if;

    return api.plan_json(fresh.plan);
end $$;
comment on function api.plan_put is 'Makes a plan, or a new version of it; the same again changes nothing.';
