create or replace function ledger.seal_of(seal_no bigint, after bigint, last_txn bigint, prev_hash text)
    returns ledger_seal
language sql stable
set search_path = public, pg_temp
-- rows are hashed as texts, which must not hang on how the one who asks writes times
set timezone = 'UTC'
set datestyle = 'ISO'
-- a seal is few rows of large tables, which the planner can't know
set enable_hashjoin = off
set enable_mergejoin = off
as $$
    with txn as materialized (
        select t.id, row(t.id, t.key, t.kind, t.account, t.description, t.at, t.recorded_at)::text as facts
        from ledger_txn t
        where t.id > coalesce(seal_of.after, -9223372036854775808) and t.id <= seal_of.last_txn
    ), entry as materialized (
        select e.txn, e.n, a.asset, e.amount,
               row(e.txn, e.n, a.kind, a.account, a.asset, e.amount, e.feature, e.credit_grant)::text as facts
        from ledger_entry e join ledger_account a on a.id = e.ledger_account
        where e.txn > coalesce(seal_of.after, -9223372036854775808) and e.txn <= seal_of.last_txn
    ), line as (
        select id, -2147483648 as n, facts from txn union all select txn, n, facts from entry
    ), text as (
        select string_agg(facts, E'\n' order by id, n) as lines from line
    )
    select seal_no, (select min(id) from txn), seal_of.last_txn, (select count(*) from txn), (select count(*) from entry),
           coalesce((select jsonb_object_agg(asset, sum::text)
                     from (select asset, sum(amount) as sum from entry where amount > 0 group by asset) s), '{}'),
           seal_of.prev_hash,
           encode(sha256(convert_to(seal_no || ' ' || seal_of.prev_hash || E'\n' || text.lines, 'UTF8')), 'hex'),
           clock_timestamp()
    from text
    where text.lines is not null;
$$;
comment on function ledger.seal_of is 'The seal of the transactions behind one (null: of all) up to another, as they are now; null where there are none.';
