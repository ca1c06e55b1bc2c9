create or replace function ledger.grant_reclaim(revoked credit_grant) returns bigint
language sql
set search_path = public, pg_temp
as $$
    select mirror.command(revoked.account, 0, jsonb_build_object('lapse',
               format('%s %s %s', revoked.id, case when revoked.txn is null then revoked.amount else revoked.remaining end,
                      revoked.pocket)));
$$;
comment on function ledger.grant_reclaim is 'Has the edge take back what a revoked grant still has; the number of the command.';
