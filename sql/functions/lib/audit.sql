create or replace function lib.audit(args jsonb, action text, object text, after jsonb default null,
                                     before jsonb default null) returns void
language plpgsql
set search_path = public, pg_temp
as $$
declare
    last audit_log;
    entry audit_log;
begin
    -- one writer at a time, so that the chain has one end
    perform pg_advisory_xact_lock(hashtext('tollgate.audit_log'));
    select * into last from audit_log order by id desc limit 1;

    entry.id := coalesce(last.id, 0) + 1;
    entry.at := lib.now();
    entry.actor := coalesce(args ->> '_actor', lib.actor());
    entry.action := action;
    entry.object := object;
    entry.detail := jsonb_build_object('before', before, 'after', after);
    entry.prev_hash := coalesce(last.hash, '');
    entry.hash := lib.audit_hash(entry);
    insert into audit_log select entry.*;
end $$;
comment on function lib.audit is 'Appends a change of an object to the audit log: what it was before and is after, null where it was not or is no more.';
