create or replace function ledger.usage_taken(batches jsonb) returns void
language sql
set search_path = public, pg_temp
as $$
    insert into usage_source as u (source, no, at)
    select key, value::bigint, lib.now() from jsonb_each_text(batches)
    on conflict (source) do update set no = excluded.no, at = excluded.at
    where u.no < excluded.no;
$$;
comment on function ledger.usage_taken is 'Notes the last batches of usage records that are in this transaction, by source.';
