create or replace function ledger.settle_lapses(stream text, to_id text) returns void
language plpgsql
set search_path = public, pg_temp
as $$
declare
    way record;
begin
    if not exists (select from settle_checked c where c.fault = '' and c.kind in ('lapse', 'adjust')) then
        return;
    end if;

    for way in
        select * from (values ('lapse', 'lapse', 'breakage'), ('adjust', 'adjustment', 'issued')) w (event, kind, towards)
    loop
        with line as (
            select c.account, c.at, c.cmd, e.request_id, p.pocket, p.credits
            from settle_checked c
            join settle_event e on e.id = c.id
            cross join lateral ledger.pocket_shares(e.pockets, e.credits) p
            where c.fault = '' and c.kind = way.event and e.delta < 0 and p.credits > 0
        ), total as (
            select account, pocket, sum(credits)::bigint as credits,
                   coalesce(array_agg(request_id) filter (where cmd > 0 and request_id is not null), '{}') as named
            from line
            group by account, pocket
        ), share as (
            select g.id, g.account,
                   least(g.remaining, greatest(0, t.credits - sum(g.remaining) over burn + g.remaining)) as taken
            from total t join credit_grant g on g.account = t.account and g.pocket = t.pocket
            where g.remaining > 0
            -- what was revoked goes first
            window burn as (partition by t.account, t.pocket
                            order by g.id::text = any (t.named) desc, g.revoked_at is null, g.source = 'purchase',
                                     g.effective_at, g.id)
        ), txn as (
            insert into ledger_txn (key, kind, account, description, at)
            select format('%s:%s:%s:%s', way.event, stream, to_id, l.account), way.kind, l.account,
                   string_agg(distinct case when way.event = 'adjust' then ledger.level_note(l.account, l.cmd)
                                            when l.cmd > 0 then 'revoked'
                                            else 'expired' end, ', '),
                   max(l.at)
            from line l
            group by l.account
            returning id, account
        ), taken as (
            update credit_grant g set remaining = g.remaining - s.taken, lapsed = g.lapsed + s.taken
            from share s
            where g.id = s.id and s.taken > 0
        )
        insert into ledger_entry (txn, n, ledger_account, amount, credit_grant)
        select txn.id, row_number() over (partition by txn.id order by side, credit_grant), ledger_account, amount,
               credit_grant
        from (select 1, account, ledger.wallet(account), -taken, id from share where taken > 0
              union all
              select 2, account, ledger.system_account(way.towards), sum(credits), null from total group by account)
            entry (side, account, ledger_account, amount, credit_grant)
        join txn using (account);
    end loop;

    perform ledger.settle_expired(stream, to_id);
end $$;
comment on function ledger.settle_lapses is 'Takes what lapsed by the sound events in settle_event out of its grants, to breakage, and what a balance was lowered by, to where it was issued.';
