create or replace function ledger.unpaid_resolve(stream text, to_id text) returns void
language plpgsql
set search_path = public, pg_temp
as $$
declare
    paid jsonb;
    taken jsonb;
begin
    -- an answer that was lost or late had charged after all
    with ended as (
        update unpaid_use u set state = 'paid', ended_at = lib.now()
        from settle_checked c join settle_event e on e.id = c.id
        where c.fault = '' and c.kind = 'charge' and e.request_id = u.request_id and c.account = u.account
          and u.state in ('open', 'counted')
        returning u.account, u.feature, u.credits
    )
    select jsonb_agg(jsonb_build_object('account', account, 'feature', feature, 'credits', -credits, 'at', lib.now()))
    into paid
    from ended
    where credits > 0;
    perform ledger.post_unpaid('unpaid-paid:' || stream || ':' || to_id, paid, 'charged at the edge after all');

    -- what an operator has charged or forgiven meanwhile is not to be paid twice
    insert into void_request (request_id, account, at, seen_at)
    select e.request_id, c.account, c.at, lib.now()
    from settle_checked c
    join settle_event e on e.id = c.id
    join unpaid_use u on u.request_id = e.request_id and u.account = c.account
    where c.fault = '' and c.kind = 'charge' and u.state in ('charging', 'charged', 'forgiven')
    on conflict do nothing;

    -- what the wallet was asked for: all of it, or nothing where it had too little
    with ended as (
        update unpaid_use u
        set state = case when e.credits > 0 then 'charged' else 'open' end,
            taking = case when e.credits > 0 then u.taking end,
            ended_at = case when e.credits > 0 then lib.now() end
        from settle_checked c join settle_event e on e.id = c.id
        where c.fault = '' and c.kind = 'charge' and e.request_id = u.taking and c.account = u.account
          and u.state = 'charging'
        returning u.account, u.credits, u.state
    )
    select jsonb_agg(jsonb_build_object('account', account, 'credits', -credits, 'at', lib.now()))
    into taken
    from ended
    where state = 'charged';
    perform ledger.post_unpaid('unpaid-charged:' || stream || ':' || to_id, taken, 'charged to the wallet');
end $$;
comment on function ledger.unpaid_resolve is 'Ends what is owed for requests of which the events in settle_event are the charge, or that they take from the wallet.';
