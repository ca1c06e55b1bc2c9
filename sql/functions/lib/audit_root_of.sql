create or replace function lib.audit_root_of(wanted date, after bigint, last_row bigint, prev_hash text, seal_no bigint)
    returns audit_root
language sql stable
set search_path = public, pg_temp
as $$
    with own as (
        select min(a.id) as first_row, count(*) as rows,
               encode(sha256(convert_to(coalesce(string_agg(a.hash, E'\n' order by a.id), ''), 'UTF8')), 'hex') as hash
        from audit_log a
        where a.id > coalesce(audit_root_of.after, 0) and a.id <= audit_root_of.last_row
    ), seal as (
        select coalesce((select s.hash from ledger_seal s where s.no = seal_no), '') as hash
    )
    select wanted, own.first_row, audit_root_of.last_row, own.rows, seal_no, seal.hash, audit_root_of.prev_hash,
           encode(sha256(convert_to(jsonb_build_array(audit_root_of.prev_hash, wanted, own.first_row,
                             audit_root_of.last_row, own.rows, own.hash, seal_no, seal.hash)::text, 'UTF8')), 'hex'),
           lib.now()
    from own, seal;
$$;
comment on function lib.audit_root_of is 'What the root of a day must be, of the rows of the audit log behind one and up to another and of a seal of the ledger.';
