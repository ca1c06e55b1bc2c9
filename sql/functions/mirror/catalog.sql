create or replace function mirror.catalog() returns table (version bigint, body text)
language sql stable
set search_path = public, pg_temp
as $$
    select (select c.version from catalog_version c),
           string_agg(line || e'\n', '' order by kind, place, line)
    from (select 1, rank::bigint, concat_ws(e'\t', 'tier', rank, code, translate(name, e'\t\n', '  '))
          from tier
          union all
          select 2, row_number() over (order by v.price nulls last, v.tier, p.code),
                 concat_ws(e'\t', 'plan', p.code, v.tier, translate(v.name, e'\t\n', '  '))
          from plan p join plan_version v on v.plan = p.code and v.version = p.version
          where p.public
          union all
          select 3, 0, concat_ws(e'\t', 'feature', code, credits, units)
          from feature where active
          union all
          select 4, 0, concat_ws(e'\t', 'model', m.key, m.feature, coalesce(m.list_tier, m.tier),
                                 coalesce(m.list_credits, m.credits, f.credits), coalesce(m.units, f.units), m.beta::int,
                                 translate(m.name, e'\t\n', '  '))
          from model m join feature f on f.code = m.feature
          where m.active and f.active
          union all
          select 5, 0, concat_ws(e'\t', 'app', code, translate(name, e'\t\n', '  '))
          from catalog_app where active
          union all
          select 6, 0, concat_ws(e'\t', 'private', p.code, v.tier, translate(v.name, e'\t\n', '  '))
          from plan p join plan_version v on v.plan = p.code and v.version = p.version
          where not p.public
          union all
          select 7, 0, concat_ws(e'\t', 'content', code, credits, case kind when 'pay_per_view' then 'view' else 'locked' end,
                                 view_window, coalesce(case kind when 'free' then '0' else tier::text end, '-'),
                                 coalesce(nullif(array_to_string(bundles, ','), ''), '-'))
          from content_pricing where active and kind <> 'bundle'
          union all
          select 8, 0, concat_ws(e'\t', 'tokens', m.key, m.list_input, m.list_cached, m.list_output)
          from model m join feature f on f.code = m.feature
          where m.active and f.active and m.list_input is not null) lines (kind, place, line);
$$;
comment on function mirror.catalog is 'The catalog as the gate reads it; docs/design.md has the format.';
