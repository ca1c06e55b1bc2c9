create or replace function ledger.verify_sides(accounts text[])
returns table (account text, epoch bigint, last_seq bigint, avail bigint, held bigint, balance bigint, commands text,
               busy boolean, pockets text)
language sql stable
set search_path = public, pg_temp
as $$
    select c.account, c.epoch, c.last_seq, c.last_avail, c.last_held, coalesce(b.balance, 0),
           (select string_agg(concat_ws(':', d.no, d.delta, d.set_fields ->> 'pockets'), ' ' order by d.no)
            from command d
            where d.account = c.account and d.no > c.last_cmd and d.delta <> 0),
           exists (select from recovery r where r.account = c.account and r.done_at is null)
           or exists (select from stream_behind b
                      where b.stream = format('tg:{%s}:ledger', lib.shard(c.account)) and b.ended_at is null),
           (select string_agg(p.pocket || '=' || p.remaining, ',')
            from (select g.pocket, sum(g.remaining) as remaining from credit_grant g
                  where g.account = c.account and g.pocket <> '-' and g.remaining > 0
                  group by g.pocket) p)
    from unnest(accounts) with ordinality wanted (id, n)
    join account_cursor c on c.account = wanted.id
    left join ledger_account l on l.account = c.account and l.kind = 'wallet' and l.asset = 'CREDIT'
    left join ledger_balance b on b.ledger_account = l.id
    order by wanted.n;
$$;
comment on function ledger.verify_sides is 'What the ledger knows of wallets: their cursors, balances, and the commands (number:micro-credits[:pockets]) of which no event is settled yet; busy: the wallet is being made again, or the ledger has to catch up.';
