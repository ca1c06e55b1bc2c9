create or replace function ledger.settle_usage(stream text, from_id text, to_id text, rejected bigint,
                                               kept bigint default 0) returns jsonb
language plpgsql
set search_path = public, pg_temp
as $$
declare
    added bigint;
    unpaid bigint;
begin
    perform ledger.cursor_move(stream, from_id, to_id);

    -- of a key that the gate could not ask about it tells the hash
    update settle_usage u set account = k.account, app = k.app, key = k.id
    from api_key k
    where u.key like 'sha256:%' and k.hash = substr(u.key, 8);

    insert into usage_event (at, at_ms, host, request_id, account, app, key, "user", feature, model, verdict, status,
                             credits, units, refunded, latency_ms, bytes_in, bytes_out, dry_run, cost, cost_units,
                             avail, "limit", day_left, month_left, tier_needed, plan, wait_ms, store_us, label,
                             tokens_input, tokens_cached, tokens_output, download)
    select to_timestamp(at_ms / 1000.0), at_ms, regexp_replace(settle_usage.stream, '^.*\}:', ''),
           coalesce(request_id, ''), account, app, key, "user", feature, model, coalesce(verdict, ''), status,
           credits, units, refunded = 1, latency_ms, bytes_in, bytes_out, dry_run = 1, cost, cost_units, avail,
           "limit", day_left, month_left, tier_needed, plan, wait_ms, store_us, label,
           tokens_input, tokens_cached, tokens_output, download = 1
    from settle_usage;
    get diagnostics added = row_count;
    added := added + kept;

    update stream_cursor c
    set taken = c.taken + added, refused = c.refused + settle_usage.rejected
    where c.stream = settle_usage.stream;

    perform ledger.settle_downloads();
    unpaid := ledger.settle_unpaid(stream, to_id);

    perform ledger.settle_exceeded();

    if rejected > 0 then
        insert into alert (at, kind, detail)
        values (lib.now(), 'usage_malformed',
                jsonb_build_object('stream', settle_usage.stream, 'to', to_id, 'records', rejected));
    end if;

    return jsonb_build_object('records', added, 'rejected', rejected, 'unpaid', unpaid);
end $$;
comment on function ledger.settle_usage is 'Keeps the usage records in settle_usage, beside those that were copied to usage_event, and moves the cursor of their stream.';
