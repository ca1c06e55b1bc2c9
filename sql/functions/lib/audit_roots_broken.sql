create or replace function lib.audit_roots_broken() returns table (day date, reason text)
language sql stable
set search_path = public, pg_temp
as $$
    select r.day, case when r.prev_hash <> r.before then 'it does not follow the day before'
                       when (lib.audit_root_of(r.day, r.after, r.last_row, r.before, r.seal)).rows <> r.rows
                            then 'rows of that day are missing'
                       else 'the rows of that day, or the seal of the ledger, are not as they were' end
    from (select a.*, coalesce(lag(a.hash) over past, '') as before, lag(a.last_row) over past as after
          from audit_root a
          window past as (order by a.day)) r
    where r.prev_hash <> r.before
       or r.hash <> (lib.audit_root_of(r.day, r.after, r.last_row, r.before, r.seal)).hash
    order by r.day;
$$;
comment on function lib.audit_roots_broken is 'Daily roots that the audit log or the seals of the ledger no longer fit, and why.';
