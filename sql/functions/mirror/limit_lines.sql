create or replace function mirror.limit_lines(kind text, holder text) returns text
language sql stable
set search_path = public, pg_temp
as $$
    select string_agg(concat_ws(' ', l.id, l.name, l.meter, l.max,
                                coalesce(l."window", lib.rate_us(l.rate)::text, l.lease_ms::text), coalesce(l.align, '-'),
                                l.per, l.feature, l.effect,
                                coalesce(nullif(array_to_string(l.thresholds, ','), ''), '-')),
                      e'\n' order by l.id)
    from usage_limit l
    where l.holder_kind = limit_lines.kind and l.holder = limit_lines.holder;
$$;
comment on function mirror.limit_lines is 'The limits of a plan, account, app or key as the gate script reads them; null where there is none.';
