create or replace function ledger.seals_broken(since bigint default 0, most bigint default null)
    returns table (seal bigint, reason text)
language plpgsql stable
set search_path = public, pg_temp
as $$
declare
    kept ledger_seal;
    before ledger_seal;
    now_is ledger_seal;
begin
    select * into before from ledger_seal s where s.no <= since order by s.no desc limit 1;

    -- one at a time, so that a ledger of any size takes the memory of one seal
    for kept in select * from ledger_seal s where s.no > since order by s.no limit most loop
        now_is := ledger.seal_of(kept.no, before.last_txn, kept.last_txn, coalesce(before.hash, ''));
        seal := kept.no;
        reason := case
            when kept.no <> coalesce(before.no, 0) + 1 then format('seal %s is missing', coalesce(before.no, 0) + 1)
            when kept.prev_hash <> coalesce(before.hash, '') then 'it does not follow the seal before'
            when now_is.txns is distinct from kept.txns
                 then format('it had %s transactions, now there are %s', kept.txns, coalesce(now_is.txns, 0))
            when now_is.entries <> kept.entries
                 then format('it had %s entries, now there are %s', kept.entries, now_is.entries)
            when now_is.turnover <> kept.turnover then 'its entries come to another sum'
            when now_is.hash <> kept.hash
                 then format('a transaction from %s to %s is not as it was', kept.first_txn, kept.last_txn)
            when exists (select from ledger_entry e join ledger_account a on a.id = e.ledger_account
                         where e.txn > coalesce(before.last_txn, -9223372036854775808) and e.txn <= kept.last_txn
                         group by e.txn, a.asset having sum(e.amount) <> 0) then 'a transaction does not sum to zero'
        end;
        if reason is not null then
            return next;
        end if;
        before := kept;
    end loop;
end $$;
comment on function ledger.seals_broken is 'Seals behind one, all or so many, that the ledger no longer fits, and why.';
