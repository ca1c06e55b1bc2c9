create or replace function api.key_import_report(owner app, keys jsonb) returns jsonb
language sql stable
set search_path = public, pg_temp
as $$
    with entry as materialized (
        select n, e, coalesce((e ->> 'line')::bigint, n) as line, e ->> 'hash' as hash, api.key_import_fault(e) as fault
        from jsonb_array_elements(keys) with ordinality t (e, n)
    ), line as (
        select t.*, k.id,
               coalesce(t.fault,
                        case when t.n > min(t.n) over same_key
                             then format('is the key of line %s again', first_value(t.line) over same_key) end,
                        case when k.account <> owner.account then 'is a key of another account' end,
                        case when k.state = 'revoked' then 'was revoked, which is for good' end) as detail
        from entry t left join api_key k on k.hash = t.hash
        window same_key as (partition by coalesce(t.hash, t.n::text) order by t.n
                            rows between unbounded preceding and unbounded following)
    )
    select jsonb_agg(jsonb_build_object('line', line, 'status', case when detail is not null then 'refused'
                         when id is not null then 'present' else 'imported' end,
                         'key', case when detail is null then id end, 'name', coalesce(e ->> 'name', ''),
                         'prefix', coalesce(e ->> 'prefix', ''), 'last4', coalesce(e ->> 'last4', ''),
                         'detail', detail) order by n)
    from line;
$$;
comment on function api.key_import_report is 'What becomes of each entry of a list of keys, in its order: imported, present or refused.';
