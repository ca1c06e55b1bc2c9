create or replace function ledger.proof_recent(after bigint, max int)
returns table (txn bigint, shard int, account text)
language sql stable
set search_path = public, pg_temp
as $$
    with posted as (
        select t.id, t.account
        from ledger_txn t
        where t.id > after
        order by t.id desc
        limit max
    )
    select (select greatest(max(id), after) from posted), a.shard::int, a.id
    from account a
    where a.id in (select p.account from posted p)
    order by a.shard, a.id;
$$;
comment on function ledger.proof_recent is 'Accounts of the newest postings behind one, and the newest of these; what is more than max waits for its round.';
