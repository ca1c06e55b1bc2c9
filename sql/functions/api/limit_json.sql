create or replace function api.limit_json(l usage_limit) returns jsonb
language sql stable
as $$
    select jsonb_build_object('name', l.name, 'meter', l.meter,
               'max', case l.meter when 'rate' then null when 'credits' then to_jsonb(lib.credits(l.max))
                                   else to_jsonb(l.max) end,
               'window', l."window", 'align', l.align, 'per', l.per, 'feature', l.feature, 'effect', l.effect,
               'thresholds', l.thresholds, 'rate', l.rate,
               'burst', case l.meter when 'rate' then l.max end,
               'lease', trim_scale(l.lease_ms / 1000.0) || 's');
$$;
comment on function api.limit_json is 'A limit as the API shows and takes it; null is what does not go with its meter.';
