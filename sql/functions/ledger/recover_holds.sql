create or replace function ledger.recover_holds() returns table (account text, holds jsonb)
language sql stable
set search_path = public, pg_temp
set enable_hashjoin = off
set enable_mergejoin = off
set enable_seqscan = off
set jit = off
as $$
    with held as (
        select h.account, h.request_id, sum(h.credits) as credits, min(h.key) as key, min(h.app) as app,
               min(h.feature) as feature, min(h.model) as model
        from recover_target t
        join account_cursor c on c.account = t.account and c.last_held > 0
        join charge h on h.account = t.account and h.kind = 'hold' and h.at > lib.now() - interval '1 day'
        where not exists (select from charge e
                          where e.request_id = h.request_id and e.account = h.account
                            and e.kind in ('commit', 'release', 'expired', 'late'))
        group by h.account, h.request_id
    )
    select account, jsonb_object_agg(request_id,
               concat_ws(' ', credits, 0, coalesce(key, '-'), coalesce(app, '-'), coalesce(feature, '-'),
                         coalesce(model, '-'), '-'))
    from held
    group by account;
$$;
comment on function ledger.recover_holds is 'What the ledger knows to be held for requests of the accounts in recover_target, as records of holds by request.';
