create or replace function ledger.settle_post(stream text, to_id text) returns void
language sql
set search_path = public, pg_temp
as $$
    select ledger.post_usage('settle:' || stream || ':' || to_id,
        (select jsonb_agg(jsonb_build_object('account', account, 'feature', feature, 'credits', credits, 'at', at))
         from (select c.account, coalesce(e.feature, '') as feature, max(c.at) as at,
                      sum(case c.kind when 'refund' then -e.credits else e.credits end) as credits
               from settle_checked c join settle_event e on e.id = c.id
               where c.fault = '' and c.kind in ('charge', 'refund', 'commit', 'late')
               group by c.account, coalesce(e.feature, '')) folded
         where credits <> 0), 'usage');
$$;
comment on function ledger.settle_post is 'Posts what the sound events charged and refunded: a transaction an account, an entry a feature and grant.';
