create or replace function job.voids_resolve(due_at timestamptz) returns jsonb
language plpgsql
set search_path = public, pg_temp
as $$
declare
    waiting text[] := array(select request_id from void_request where resolved_at is null);
    refunded bigint;
    closed bigint;
begin
    refunded := ledger.void_resolve(waiting);

    -- not looked for any more; should its charge still come, settle finds it
    update void_request set resolved_at = lib.now()
    where request_id = any (waiting) and resolved_at is null and seen_at < lib.now() - interval '10 minutes';
    get diagnostics closed = row_count;

    if refunded + closed > 0 then
        perform lib.audit('{}', 'voids.resolve', 'void_request',
                          jsonb_build_object('requests', to_jsonb(waiting), 'refunded', refunded, 'not_charged', closed));
    end if;

    return jsonb_build_object('refunded', refunded, 'not_charged', closed);
end $$;
comment on function job.voids_resolve is 'Looks again for charges of requests whose reply was lost, for ten minutes.';
