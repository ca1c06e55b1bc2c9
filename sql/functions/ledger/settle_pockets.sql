create or replace function ledger.settle_pockets() returns void
language plpgsql
set search_path = public, pg_temp
as $$
begin
    -- where nobody's grants have terms the balance says it all
    if not exists (select from settle_event e where e.pockets is not null or e.kind in ('lapse', 'start', 'adjust'))
       and not exists (select from credit_grant g
                       where g.pocket <> '-' and g.remaining > 0 and g.account in (select e.account from settle_event e))
    then
        return;
    end if;

    with concerned as (
        select e.account from settle_event e where e.pockets is not null or e.kind in ('lapse', 'start', 'adjust')
        union
        select g.account from credit_grant g
        where g.pocket <> '-' and g.remaining > 0 and g.account in (select e.account from settle_event e)
    ), share as (
        select c.place, c.account, c.kind, c.cmd, e.at_us, e.n, e.request_id, e.credits, p.pocket, p.credits as share,
               c.kind in ('refund', 'start') or c.kind = 'adjust' and e.delta > 0 as back
        from settle_checked c
        join settle_event e on e.id = c.id
        cross join lateral ledger.pocket_shares(e.pockets, e.credits) p
        where c.fault = '' and c.account in (select o.account from concerned o)
          and c.kind in ('charge', 'commit', 'late', 'refund', 'lapse', 'start', 'adjust')
    ), own as (
        select g.account, g.pocket, sum(g.remaining) as remaining, sum(g.amount - g.remaining - g.lapsed) as used
        from credit_grant g
        where g.account in (select o.account from concerned o) and g.txn is not null
        group by g.account, g.pocket
    ), moved as (
        select s.*, sum(s.share) over (partition by s.place, s.n) as shares,
               coalesce(o.remaining, 0) + sum(case when s.back then s.share else -s.share end) over so_far as remaining,
               coalesce(o.used, 0) + sum(case when s.kind in ('lapse', 'start', 'adjust') then 0
                                              when s.back then -s.share else s.share end) over so_far as used,
               row_number() over (partition by s.account, s.kind, s.request_id order by s.place, s.n) as nth
        from share s left join own o on o.account = s.account and o.pocket = s.pocket
        window so_far as (partition by s.account, s.pocket order by s.place)
    ), judged as (
        select m.account, m.place,
               case when m.shares <> m.credits then 'the pockets do not add up'
                    when m.remaining < 0 then 'more than the pocket has'
                    when m.used < 0 then 'more than was used of the pocket'
                    when m.kind = 'lapse' and m.cmd = 0
                         and coalesce(nullif(split_part(m.pocket, '/', 2), '')::numeric, 0) * 1000
                             not between 1 and m.at_us
                         then 'a pocket that has not ended'
                    when m.kind = 'lapse' and m.cmd > 0
                         and not exists (select from command d
                                         where d.account = m.account and d.no = m.cmd
                                           and split_part(d.set_fields ->> 'lapse', ' ', 1) = m.request_id)
                         then 'no such command'
                    when m.kind = 'start'
                         and (m.nth > 1
                              or not exists (select from credit_grant g
                                             where g.account = m.account and g.txn is null and g.id::text = m.request_id
                                               and g.amount = m.credits and g.pocket = m.pocket))
                         then 'no such grant'
                    else '' end as fault
        from moved m
    ), broken as (
        select distinct on (j.account) j.account, j.place, j.fault
        from judged j
        where j.fault <> ''
        order by j.account, j.place
    )
    update settle_checked c
    set fault = case when c.place = b.place then b.fault else 'after a fault' end
    from broken b
    where c.account = b.account and c.place >= b.place and c.fault = '';
end $$;
comment on function ledger.settle_pockets is 'Judges the sound events of settle_checked once more where grants have terms: no pocket gives more than it has, and lapses, starts and commands are of grants that there are.';
