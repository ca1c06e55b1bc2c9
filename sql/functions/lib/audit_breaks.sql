create or replace function lib.audit_breaks() returns setof bigint
language sql stable
set search_path = public, pg_temp
as $$
    select id
    from (select a.id, a.hash = lib.audit_hash(a)
                 and a.prev_hash = coalesce(lag(a.hash) over (order by a.id), '')
                 and a.id = coalesce(lag(a.id) over (order by a.id), 0) + 1 as whole
          from audit_log a) checked
    where not whole;
$$;
comment on function lib.audit_breaks is 'Ids of rows of the audit log where its chain of hashes is broken.';
