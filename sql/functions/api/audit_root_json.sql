create or replace function api.audit_root_json(root audit_root) returns jsonb
language sql immutable
as $$
    select jsonb_build_object('day', root.day, 'root', root.hash, 'rows', root.rows, 'first', root.first_row::text,
               'last', root.last_row::text, 'seal', root.seal::text, 'seal_hash', root.seal_hash,
               'made_at', lib.time(root.made_at));
$$;
comment on function api.audit_root_json is 'A daily root of the audit log, as the API shows it.';
