create or replace function ledger.verify_page(shard int, after text, max int)
returns table (shard int, account text)
language sql stable
set search_path = public, pg_temp
as $$
    select a.shard::int, a.id
    from account a
    where (a.shard, a.id) > (verify_page.shard::smallint, verify_page.after)
    order by a.shard, a.id
    limit max;
$$;
comment on function ledger.verify_page is 'The next accounts behind one of a shard, shard by shard.';
