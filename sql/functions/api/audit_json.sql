create or replace function api.audit_json(entry audit_log) returns jsonb
language sql immutable
as $$
    -- what was written before there were both has one object, of one shape or another
    select jsonb_build_object('id', entry.id::text, 'at', lib.time(entry.at), 'actor', entry.actor, 'action', entry.action,
               'object', entry.object, 'before', entry.detail -> 'before',
               'after', case when entry.detail ? 'after' then entry.detail -> 'after' else entry.detail end,
               'hash', entry.hash);
$$;
comment on function api.audit_json is 'A row of the audit log, as the API shows it.';
