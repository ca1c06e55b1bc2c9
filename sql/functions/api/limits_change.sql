create or replace function api.limits_change(args jsonb, kind text, holder text, account text, list jsonb) returns void
language plpgsql
set search_path = public, pg_temp
as $$
declare
    field text := case kind when 'account' then 'l' else 'l:' || holder end;
    before jsonb;
    old_lines text;
    lines text;
    removed bigint[];
begin
    perform 1 from account_cursor c where c.account = limits_change.account for update;
    before := api.limits_json(kind, holder);
    old_lines := mirror.limit_lines(kind, holder);
    removed := api.limits_replace(kind, holder, list);
    lines := mirror.limit_lines(kind, holder);

    if lines is distinct from old_lines then
        -- counters that nobody counts by any more; of very many some are left, which does no harm
        perform mirror.command(account, 0,
            case when lines is null then '{}' else jsonb_build_object(field, lines) end,
            case when lines is null then jsonb_build_array(field) else '[]' end
            || (select coalesce(jsonb_agg('u:' || c.name), '[]')
                from (select concat_ws(':', r.id, h.id) as name
                      from unnest(removed) r (id)
                      cross join (select null as id union all
                                  select a.id from app a where a.account = limits_change.account union all
                                  select k.id from api_key k where k.account = limits_change.account) h
                      order by h.id nulls first
                      limit 1000) c));
        perform lib.audit(args, 'limits.change', holder,
                          api.limits_json(kind, holder), before => before);
    end if;
end $$;
comment on function api.limits_change is 'Changes the limits of an account, app or key, here and at the edge; none where it changes nothing.';
