create or replace function job.ledger_seal(due_at timestamptz) returns jsonb
language plpgsql
set search_path = public, pg_temp
as $$
declare
    before bigint := coalesce((select max(no) from ledger_seal), 0);
    cut timestamptz := ledger.seal();
begin
    return jsonb_build_object(
        'seals', coalesce((select max(no) from ledger_seal), 0) - before,
        'txns', coalesce((select sum(txns)::bigint from ledger_seal where no > before), 0),
        'sealed_to', lib.time(cut));
end $$;
comment on function job.ledger_seal is 'Seals what the ledger got since the last seal; sealed_to is null where the next run goes on.';
