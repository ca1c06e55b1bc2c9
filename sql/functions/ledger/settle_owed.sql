create or replace function ledger.settle_owed(stream text, to_id text) returns void
language plpgsql
set search_path = public, pg_temp
as $$
declare
    due jsonb;
begin
    with owed as (
        insert into unpaid_use (request_id, at, account, app, key, feature, model, verdict, credits, units, state)
        select e.request_id, c.at, c.account, e.app_id, e.key_id, e.feature, e.model, 'pass', e.credits, 0, 'open'
        from settle_checked c join settle_event e on e.id = c.id
        where c.fault = '' and c.kind = 'owed' and e.credits > 0
        on conflict do nothing
        returning *
    )
    select jsonb_agg(jsonb_build_object('account', account, 'feature', feature, 'credits', credits, 'at', at))
    into due
    from owed;

    perform ledger.post_unpaid('owed:' || stream || ':' || to_id, due, 'used beyond what was held');
    update unpaid_use u set txn = t.id
    from ledger_txn t
    where u.request_id in (select e.request_id from settle_event e where e.kind = 'owed') and u.state = 'open'
      and u.txn is null and t.key = 'owed:' || stream || ':' || to_id || ':' || u.account;
end $$;
comment on function ledger.settle_owed is 'Books what responses came to beyond what was held and there was, as the events in settle_event tell, as owed.';
