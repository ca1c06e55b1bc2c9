create or replace function lib.audit_hash(entry audit_log) returns text
language sql stable
as $$
    select encode(sha256(convert_to(jsonb_build_array(entry.prev_hash, entry.id, lib.time(entry.at), entry.actor,
                                                      entry.action, entry.object, entry.detail)::text, 'UTF8')), 'hex');
$$;
comment on function lib.audit_hash is 'What the hash of a row of the audit log must be.';
