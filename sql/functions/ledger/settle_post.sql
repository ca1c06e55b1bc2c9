create or replace function ledger.settle_post(stream text, to_id text) returns void
language sql
set search_path = public, pg_temp
as $$
    with item as (
        select c.account, coalesce(e.feature, '') as feature, c.at, e.pockets, e.credits, c.kind = 'refund' as back
        from settle_checked c join settle_event e on e.id = c.id
        where c.fault = '' and c.kind in ('charge', 'refund', 'commit', 'late')
    ), share as (
        select account, feature, '-' as pocket, at, case when back then -credits else credits end as credits
        from item where pockets is null
        union all
        select i.account, i.feature, p.pocket, i.at, case when i.back then -p.credits else p.credits end
        from item i cross join lateral ledger.pocket_shares(i.pockets, i.credits) p where i.pockets is not null
    )
    select ledger.post_usage('settle:' || stream || ':' || to_id,
        (select jsonb_agg(jsonb_build_object('account', account, 'feature', feature, 'pocket', pocket,
                                             'credits', credits, 'at', at))
         from (select account, feature, pocket, max(at) as at, sum(credits) as credits
               from share
               group by account, feature, pocket) folded
         where credits <> 0), 'usage');
$$;
comment on function ledger.settle_post is 'Posts what the sound events charged and refunded: a transaction an account, an entry a feature and grant.';
