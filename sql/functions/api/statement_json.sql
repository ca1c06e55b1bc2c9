create or replace function api.statement_json(s statement) returns jsonb
language sql immutable
as $$
    select jsonb_build_object('id', s.id, 'account', s.account, 'no', s.no, 'currency', 'CREDIT',
               'from', lib.time(s.from_at), 'to', lib.time(s.to_at), 'opening', lib.credits(s.opening),
               'closing', lib.credits(s.closing), 'movements', s.movements, 'hash', s.hash, 'seal', s.seal::text,
               'seal_hash', s.seal_hash, 'issued_at', lib.time(s.issued_at));
$$;
comment on function api.statement_json is 'An issued statement without its lines, as the API shows it.';
