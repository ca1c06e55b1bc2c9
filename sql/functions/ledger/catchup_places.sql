create or replace function ledger.catchup_places(shard int)
returns table (account text, old_epoch bigint, old_seq bigint, epoch bigint, seq bigint, avail bigint, held bigint,
               cmd bigint, credits bigint)
language sql stable
set search_path = public, pg_temp
as $$
    with place as (
        -- behind the last event that is gone, each account is where its next event began, or where its wallet is
        select c.account, c.epoch as old_epoch, c.last_seq as old_seq,
               coalesce(f.epoch, w.epoch) as epoch,
               coalesce(case f.kind when 'epoch' then f.seq else f.seq - 1 end, w.seq) as seq,
               coalesce(case f.kind when 'epoch' then f.avail + f.held else f.avail + f.held - f.delta end,
                        w.avail + w.held) as total,
               coalesce(case f.kind when 'hold' then f.held - f.credits
                                    when 'release' then f.held + f.credits
                                    when 'expired' then f.held + f.credits
                                    else f.held end, w.held) as held,
               greatest(c.last_cmd, coalesce(f.cmd - 1, w.cmd, 0)) as cmd
        from account a
        join account_cursor c on c.account = a.id
        left join catchup_wallet w on w.account = a.id
        left join catchup_first f on f.account = a.id
        where a.shard = catchup_places.shard and (f.account is not null or w.account is not null)
    )
    select p.account, p.old_epoch, p.old_seq, p.epoch, p.seq, p.total - p.held, p.held, p.cmd,
           -- what the ledger has to have: the wallet's, and what commands will still bring
           p.total + coalesce((select sum(d.delta) from command d where d.account = p.account and d.no > p.cmd), 0)::bigint
           - ledger.balance(p.account)
    from place p
    where (p.epoch, p.seq) > (p.old_epoch, p.old_seq);
$$;
comment on function ledger.catchup_places is 'Where the accounts of a shard stood behind the last event that is gone, and what their balance in the ledger lacks.';
