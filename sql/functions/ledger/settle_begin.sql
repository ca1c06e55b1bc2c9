create or replace function ledger.settle_begin() returns void
language sql
as $$
    create temporary table if not exists settle_event (
        stream text, id text, n int, account text, epoch bigint, seq bigint, at_us bigint, kind text, delta bigint,
        avail bigint, held bigint, cmd bigint, request_id text, key_id text, app_id text, feature text, model text,
        credits bigint, units bigint, pockets text
    ) on commit delete rows;
    create temporary table if not exists settle_usage (
        at_ms bigint, request_id text, account text, app text, key text, "user" text, feature text, model text,
        verdict text, status smallint, credits bigint, units bigint, refunded smallint, latency_ms bigint,
        bytes_in bigint, bytes_out bigint, dry_run smallint, cost bigint, cost_units bigint, avail bigint,
        "limit" text, day_left bigint, month_left bigint, tier_needed int, plan text, wait_ms bigint, store_us bigint,
        label text, tokens_input bigint, tokens_cached bigint, tokens_output bigint,
        download smallint
    ) on commit delete rows;
    -- events of settle_event, one row each, with what is wrong with them
    create temporary table if not exists settle_checked (
        place bigint, id text, account text, epoch bigint, seq bigint, at timestamptz, kind text, avail bigint,
        held bigint, cmd bigint, fault text
    ) on commit delete rows;
    -- wallets as they were found, null where they are not, with the last command that Redis said to have applied, to be
    -- judged, or the recovery that is to be planned
    create temporary table if not exists recover_seen (
        account text collate "C" primary key, epoch bigint, seq bigint, avail bigint, held bigint, cmd bigint,
        applied bigint, recovery bigint
    ) on commit delete rows;
    -- and what they have to become
    create temporary table if not exists recover_target (
        account text collate "C" primary key, shard smallint, recovery bigint, epoch bigint, old_epoch bigint,
        fresh boolean, again boolean, cmd bigint, avail bigint, holds jsonb
    ) on commit delete rows;
$$;
comment on function ledger.settle_begin is 'Makes the temporary tables of a connection that settles.';
