create or replace function mirror.wallet_pockets()
returns table (account text, pocket text, pockets text, later text, next_ms bigint)
language sql stable
set search_path = public, pg_temp
set enable_hashjoin = off
set enable_mergejoin = off
set enable_seqscan = off
set jit = off
as $$
    with lot as (
        select g.account, t.avail, g.pocket, sum(g.remaining) as amount, split_part(g.pocket, '/', 1)::int as priority,
               nullif(split_part(g.pocket, '/', 2), '0')::bigint as ends, split_part(g.pocket, '/', 3) as scope
        from recover_target t join credit_grant g on g.account = t.account and g.pocket <> '-'
        where g.txn is not null and g.remaining > 0
        group by g.account, t.avail, g.pocket
    ), placed as (
        select l.*, row_number() over (partition by account order by priority, ends nulls last, scope = '*', scope) as place,
               -- credits without terms come between, where there are some
               min(priority) over own > 50 and avail > sum(amount) over own as waits
        from lot l
        window own as (partition by account)
    ), late as (
        select g.account, g.id, ceil(extract(epoch from g.effective_at) * 1000)::bigint as starts, g.amount, g.pocket
        from recover_target t join credit_grant g on g.account = t.account and g.txn is null
        where g.revoked_at is null
          and not exists (select from command d
                          where d.account = t.account and d.no > t.cmd
                            and split_part(d.set_fields ->> 'later', ' ', 2) = g.id::text)
    ), soon as (
        select account, sum(amount) as sum, min(ends) as ends, bool_or(waits) as waits,
               max(case when place = 1 then pocket || ' ' || amount end) as head,
               coalesce(sum(amount) filter (where scope <> '*'), 0) as scoped,
               string_agg(pocket || ' ' || amount || e'\n', '' order by place) filter (where waits or place > 1) as tail
        from placed
        group by account
    ), later as (
        select account, min(starts) as starts,
               string_agg(format(e'%s %s %s %s\n', starts, id, amount, pocket), '' order by starts, id) as lines
        from late
        group by account
    ), whole as (
        select account, n.sum, n.waits, n.head, n.scoped, n.tail, t.lines, coalesce(least(n.ends, t.starts), 0) as next_ms
        from soon n full join later t using (account)
    )
    select account, concat_ws(' ', next_ms, coalesce(sum, 0), case when head is null or waits then '- 0' else head end,
                              coalesce(scoped, 0)),
           tail, lines, next_ms
    from whole;
$$;
comment on function mirror.wallet_pockets is 'What the wallets of the accounts in recover_target know of credits with terms, by the grants: pockets in the order in which they burn, grants that start later, and the earliest end or start.';
