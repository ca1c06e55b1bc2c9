create or replace function api.limit_row(item jsonb, path text, kind text) returns usage_limit
language plpgsql stable
set search_path = public, pg_temp
as $$
declare
    -- what goes with which meter, beside name, meter, per, feature and effect
    own constant jsonb := '{"rate": ["rate", "burst"], "running": ["max", "lease"],
                            "requests": ["max", "window", "align", "thresholds"],
                            "units": ["max", "window", "align", "thresholds"],
                            "credits": ["max", "window", "align", "thresholds"]}';
    common constant jsonb := '["name", "meter", "per", "feature", "effect"]';
    fresh usage_limit;
    args jsonb;
    alien text;
begin
    if jsonb_typeof(item) <> 'object' then
        perform lib.invalid(path, 'a list of objects');
    end if;
    -- what is refused is named by where it stands
    select coalesce(jsonb_object_agg(path || key, value), '{}') into args
    from jsonb_each(item)
    where value not in ('null', '[]') or key = 'thresholds';

    fresh.name := lib.arg_code(args, path || 'name');
    if fresh.name is null or fresh.name in ('app_rate', 'balance', 'day', 'key_rate', 'month', 'rules') then
        perform lib.invalid(path || 'name', 'a code, and none of app_rate, balance, day, key_rate, month and rules');
    end if;
    fresh.meter := lib.arg_one_of(args, path || 'meter', array['rate', 'requests', 'units', 'credits', 'running']);

    select key into alien from jsonb_each(item)
    where value not in ('null', '[]') and not (common || (own -> fresh.meter)) ? key
    order by key limit 1;
    if alien is not null then
        perform lib.invalid(path || alien, format('left out: it does not go with the meter %s', fresh.meter));
    end if;

    fresh.per := lib.arg_one_of(args, path || 'per', case when kind in ('app', 'key') then array[kind]
                                                          else array['account', 'app', 'key'] end,
                                case when kind = 'plan' then 'account' else kind end);
    fresh.feature := coalesce(lib.arg_text(args, path || 'feature', false, 65), '*');
    if fresh.feature !~ '^(\*|[a-z0-9][a-z0-9._:-]{0,63}\*?)$' then
        perform lib.invalid(path || 'feature', 'a feature, or what they begin with and "*"');
    end if;
    fresh.effect := lib.arg_one_of(args, path || 'effect',
                                   case when fresh.meter in ('rate', 'running') then array['refuse']
                                        else array['refuse', 'warn'] end, 'refuse');
    fresh.thresholds := '{}';

    if fresh.meter = 'rate' then
        fresh.rate := api.limit_rate(args, path || 'rate');
        fresh.max := lib.arg_int(args, path || 'burst', 1, 1000000, 1);
        if fresh.max * lib.rate_us(fresh.rate)::numeric > 4503599627370496 then
            perform lib.invalid(path || 'burst', 'less: to fill up it would take a hundred years');
        end if;

    elsif fresh.meter = 'running' then
        fresh.max := lib.arg_int(args, path || 'max', 1, 1000000);
        fresh.lease_ms := extract(epoch from lib.arg_duration(args, path || 'lease', interval '1 day', interval '60 s')) * 1000;
        if fresh.lease_ms not between 1000 and 3600000 then
            perform lib.invalid(path || 'lease', 'a duration from 1s to 60m');
        end if;

    else
        fresh.max := case fresh.meter when 'credits' then lib.micro(args, path || 'max')
                                      else lib.arg_int(args, path || 'max', 1, 1000000000000) end;
        fresh."window" := lib.arg_one_of(args, path || 'window', array['minute', 'hour', 'day', 'week', 'month', 'life']);
        if fresh."window" <> 'life' then
            fresh.align := lib.arg_one_of(args, path || 'align', array['calendar', 'anniversary'], 'calendar');
        elsif args ? (path || 'align') then
            perform lib.invalid(path || 'align', 'left out: it does not go with the window life');
        end if;
        fresh.thresholds := coalesce(lib.arg_percents(args, path || 'thresholds',
                                                      case fresh.effect when 'warn' then 1000 else 100 end), '{80,100}');
    end if;

    if fresh.max is null or fresh.max < 1 then
        perform lib.invalid(path || 'max', 'more than 0');
    end if;

    return fresh;
end $$;
comment on function api.limit_row is 'A limit as the arguments have it; path is what stands before the names of its members.';
