create or replace function ledger.pockets_adopt(stream text, to_id text) returns void
language plpgsql
set search_path = public, pg_temp
as $$
declare
    short record;
    terms credit_grant;
    missing bigint;
    txn_id bigint;
    grant_id bigint;
begin
    -- a loop over pockets that the register takes more from than a restored ledger knows
    for short in
        with share as (
            select c.account, c.place, p.pocket, c.at,
                   case when c.kind in ('refund', 'start') or c.kind = 'adjust' and e.delta > 0 then p.credits
                        else -p.credits end as credits
            from settle_checked c
            join settle_event e on e.id = c.id
            cross join lateral ledger.pocket_shares(e.pockets, e.credits) p
            where c.fault = '' and c.kind in ('charge', 'commit', 'late', 'refund', 'lapse', 'start', 'adjust')
              and (exists (select from command_forgotten f where f.account = c.account)
                   or exists (select from catchup u where u.account = c.account))
        ), low as (
            select account, pocket, min(total) as total, max(at) as at
            from (select s.*, sum(credits) over (partition by account, pocket order by place) as total from share s) t
            group by account, pocket
        )
        select l.account, l.pocket, l.at,
               -l.total - coalesce((select sum(g.remaining) from credit_grant g
                                    where g.account = l.account and g.pocket = l.pocket and g.txn is not null), 0)
               as credits
        from low l
        order by l.account, l.pocket
    loop
        continue when short.credits <= 0;

        select coalesce(sum(g.remaining), 0) into missing from credit_grant g
        where g.account = short.account and g.pocket <> short.pocket and g.txn is not null;
        missing := least(missing, short.credits);
        continue when missing <= 0;

        insert into ledger_txn (key, kind, account, description, at)
        values (format('pocket:%s:%s:%s:%s', pockets_adopt.stream, to_id, short.account, short.pocket), 'recovery',
                short.account, 'of the terms that the register tells', short.at)
        returning id into txn_id;

        terms.priority := case short.pocket when '-' then 50 else split_part(short.pocket, '/', 1)::int end;
        terms.expires_at := to_timestamp(nullif(nullif(split_part(short.pocket, '/', 2), ''), '0')::numeric / 1000);
        terms.features := coalesce(string_to_array(nullif(nullif(split_part(short.pocket, '/', 3), ''), '*'), '+'), '{}');
        insert into credit_grant (account, source, priority, amount, remaining, note, effective_at, created_at,
                                  expires_at, features, pocket, issue_key, txn)
        values (short.account, 'adjustment', terms.priority, missing, missing, 'of the terms that the register tells',
                least(short.at, terms.expires_at - interval '1 millisecond'), lib.now(), terms.expires_at,
                terms.features, short.pocket, format('pocket:%s:%s:%s:%s', pockets_adopt.stream, to_id, short.account,
                                                     short.pocket), txn_id)
        returning id into grant_id;

        insert into ledger_entry (txn, n, ledger_account, amount, credit_grant)
        select txn_id, row_number() over (order by d.amount, d.id), ledger.wallet(short.account), d.amount, d.id
        from (select grant_id as id, missing as amount
              union all
              select b.id, -b.burnt
              from (select g.id, least(g.remaining, greatest(0, missing - sum(g.remaining) over burn + g.remaining))
                                 as burnt
                    from credit_grant g
                    where g.account = short.account and g.pocket <> short.pocket and g.txn is not null
                      and g.remaining > 0
                    window burn as (order by g.issue_key like 'adopted:%' or g.issue_key like 'catchup:%' desc,
                                             g.priority, g.id)) b
              where b.burnt > 0) d;
        update credit_grant g set remaining = g.remaining + e.amount
        from ledger_entry e
        where e.txn = txn_id and e.credit_grant = g.id and e.amount < 0;
    end loop;
end $$;
comment on function ledger.pockets_adopt is 'Gives credits of a restored ledger, whose terms it forgot, the terms of the pockets that the events in settle_checked take them from.';
