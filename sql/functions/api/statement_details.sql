create or replace function api.statement_details(txn bigint) returns jsonb
language sql stable
set search_path = public, pg_temp
as $$
    select jsonb_build_object(
        'features', coalesce(jsonb_agg(jsonb_build_object('feature', e.feature, 'credits', lib.credits(e.amount)) order by e.n)
                             filter (where a.kind = 'usage_revenue'), '[]'),
        'grants', coalesce(jsonb_agg(jsonb_build_object('grant', g.id::text, 'source', g.source,
                                                        'credits', lib.credits(e.amount)) order by e.n)
                           filter (where g.id is not null), '[]'))
    from ledger_entry e
    join ledger_account a on a.id = e.ledger_account
    left join credit_grant g on g.id = e.credit_grant
    where e.txn = statement_details.txn;
$$;
comment on function api.statement_details is 'For which features, and from or to which grants, a transaction moved credits.';
