create or replace function ledger.proof_state()
returns table (shard int, after text, accounts bigint, txn bigint)
language sql stable
set search_path = public, pg_temp
as $$
    select p.shard, p.after, (select count(*) from account), coalesce((select max(id) from ledger_txn), 0)
    from proof p;
$$;
comment on function ledger.proof_state is 'Where the round of the proof is, how many accounts it has, and the newest posting.';
