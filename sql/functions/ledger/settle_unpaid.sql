create or replace function ledger.settle_unpaid(stream text, to_id text) returns bigint
language plpgsql
set search_path = public, pg_temp
as $$
declare
    due jsonb;
    found_use bigint;
begin
    -- who posts charges of an account holds its cursor, so that none is missed meanwhile
    perform 1 from account_cursor c
    where c.account in (select u.account from settle_usage u
                        where u.verdict in ('pass_open', 'pass_stale') and u.refunded = 0 and u.dry_run = 0)
    order by c.account
    for update;

    with passed as (
        select u.*, to_timestamp(u.at_ms / 1000.0) as at, v.mode,
               -- a gate that never read a catalog leaves the price to us
               coalesce(u.cost, m.list_credits, m.credits, f.credits, 0) as price,
               case when u.cost is null then coalesce(m.units, f.units, 0) else u.cost_units end as price_units
        from settle_usage u
        left join account a on a.id = u.account
        left join plan p on p.code = a.plan
        left join plan_version v on v.plan = p.code and v.version = p.version
        left join model m on m.key = u.model
        left join feature f on f.code = coalesce(m.feature, u.feature)
        where u.verdict in ('pass_open', 'pass_stale') and u.refunded = 0 and u.dry_run = 0
    ), used as (
        insert into unpaid_use (request_id, at, account, app, key, feature, model, verdict, credits, units, state)
        select p.request_id, p.at, p.account, p.app, p.key, p.feature, p.model, p.verdict,
               case when p.mode = 'subscription' then 0 else p.price end, p.price_units,
               case when p.account is null then 'unknown'
                    when exists (select from charge c
                                 where c.request_id = p.request_id and c.account = p.account and c.kind = 'charge')
                         then 'paid'
                    when p.mode = 'subscription' or p.price = 0 then 'counted'
                    else 'open' end
        from passed p
        where p.price > 0 or p.price_units > 0
        on conflict do nothing
        returning *
    )
    select count(*), jsonb_agg(jsonb_build_object('account', account, 'feature', feature, 'credits', credits, 'at', at))
                     filter (where state = 'open')
    into found_use, due
    from used;

    perform ledger.post_unpaid('unpaid:' || stream || ':' || to_id, due, 'used during an outage');
    update unpaid_use u set txn = t.id
    from ledger_txn t
    where u.request_id in (select s.request_id from settle_usage s) and u.state = 'open' and u.txn is null
      and t.key = 'unpaid:' || stream || ':' || to_id || ':' || u.account;

    return found_use;
end $$;
comment on function ledger.settle_unpaid is 'Books the usage records in settle_usage that passed without a decision as owed, each once and unless it was charged; how many these are.';
