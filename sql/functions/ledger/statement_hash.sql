create or replace function ledger.statement_hash(account text, after bigint, last_txn bigint,
                                                 out movements bigint, out hash text)
language sql stable
set search_path = public, pg_temp
set timezone = 'UTC'
set datestyle = 'ISO'
as $$
    -- hashes of a thousand lines each, hashed: a statement of any size takes little memory
    with line as (
        select row_number() over (order by m.id) as n,
               row(m.id, m.at, m.recorded_at, m.kind, m.description, m.amount, m.balance, m.unpaid)::text as text
        from ledger.movements(statement_hash.account, statement_hash.after, statement_hash.last_txn) m
    ), part as (
        select (n - 1) / 1000 as part, count(*) as lines,
               encode(sha256(convert_to(string_agg(text, E'\n' order by n), 'UTF8')), 'hex') as hash
        from line
        group by 1
    )
    select coalesce(sum(lines), 0)::bigint,
           encode(sha256(convert_to(coalesce(string_agg(hash, E'\n' order by part), ''), 'UTF8')), 'hex')
    from part;
$$;
comment on function ledger.statement_hash is 'How many movements of an account lie behind a transaction and up to another, and the hash of these.';
