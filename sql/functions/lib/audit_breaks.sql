create or replace function lib.audit_breaks(since bigint default 0, most bigint default null) returns setof bigint
language sql stable
set search_path = public, pg_temp
as $$
    select id
    from (select a.id, a.hash = lib.audit_hash(a)
                 and a.prev_hash = coalesce(lag(a.hash) over past, (select hash from audit_log where id = since), '')
                 and a.id = coalesce(lag(a.id) over past, since) + 1 as whole
          from (select * from audit_log l where l.id > since order by l.id limit most) a
          window past as (order by a.id)) checked
    where not whole
    order by id;
$$;
comment on function lib.audit_breaks is 'Ids of rows of the audit log behind one, all or so many, where its chain of hashes is broken.';
