create or replace function ledger.usage_sources() returns table (source text, no bigint)
language sql
set search_path = public, pg_temp
as $$
    -- a batch is sent again within seconds
    delete from usage_source u where u.at < lib.now() - interval '7 days';
    select u.source, u.no from usage_source u;
$$;
comment on function ledger.usage_sources is 'The last batch of usage records that was taken of each process of nginx; forgets those of long ago.';
