create or replace function ledger.verify_chain(chain text, since bigint, most bigint) returns jsonb
language sql stable
set search_path = public, pg_temp
as $$
    with page as (
        select max(p.no) as last, count(*) = most as more
        from (select s.no from ledger_seal s where chain = 'seals' and s.no > since
              union all
              select l.id from audit_log l where chain = 'audit' and l.id > since
              order by 1 limit most) p
    ), broken as (
        select b.seal as no, b.reason from ledger.seals_broken(since, most) b where chain = 'seals'
        union all
        select b, 'the row is not as it was, or does not follow the one before'
        from lib.audit_breaks(since, most) b where chain = 'audit'
    )
    select jsonb_build_object(
        'next', (select last from page where more),
        'broken', coalesce((select jsonb_agg(jsonb_build_object('no', no::text, 'reason', reason) order by no) from broken), '[]'));
$$;
comment on function ledger.verify_chain is 'What is broken in a part of a chain of hashes: of the seals of the ledger, or of the audit log; next is where the next part begins.';
