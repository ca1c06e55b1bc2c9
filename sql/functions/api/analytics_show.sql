create or replace function api.analytics_show(args jsonb) returns jsonb
language sql stable
set search_path = public, pg_temp
as $$
    select jsonb_build_object('data', coalesce(jsonb_agg(jsonb_build_object('period', period, 'start', lib.time(start),
               'metric', metric, 'app', nullif(app, ''), 'feature', nullif(feature, ''), 'model', nullif(model, ''),
               'value', case metric when 'credits' then trim_scale(value / 1000000)::text
                                    else value::text end)
               order by start, metric, app, feature, model), '[]'))
    from analytics_snapshots
    where period = lib.arg_one_of(args, 'period', array['hour', 'day'], 'day')
      and start >= lib.arg_time(args, 'from', lib.now() - interval '31 days')
      and start < lib.arg_time(args, 'to', 'infinity');
$$;
comment on function api.analytics_show is 'Snapshots of usage by hour or day, of the last 31 days if not told.';
