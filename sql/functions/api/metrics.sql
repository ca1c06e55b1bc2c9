create or replace function api.metrics(args jsonb) returns jsonb
language sql stable
set search_path = public, pg_temp
as $$
    with pending as (
        select count(*) as commands, min(created_at) as oldest
        from command where applied_at is null and refused is null
    ), settled as (
        select case when stream like 'tg:{usage}:%' then 'tollgate_usage_settled_total'
                    else 'tollgate_ledger_settled_total' end as name,
               taken, refused
        from stream_cursor
        union all
        values ('tollgate_ledger_settled_total', 0, 0), ('tollgate_usage_settled_total', 0, 0)
    ), recovering as (
        select count(*) as open, min(at) as oldest from recovery where done_at is null
    ), sample (name, label, of, value) as (
        select 'tollgate_accounts_frozen', null, null, count(*)::numeric from account where state = 'frozen'
        union all
        select 'tollgate_alerts_open', null, null, count(*) from alert where closed_at is null
        union all
        select 'tollgate_held_credits', null, null, coalesce(sum(last_held), 0) / 1000000
        from account_cursor where last_held > 0
        union all
        select 'tollgate_holds_expired_total', null, null, coalesce(sum(expired), 0) from stream_cursor
        union all
        select 'tollgate_leases_reclaimed_total', null, null, coalesce(sum(reclaimed), 0) from stream_cursor
        union all
        select 'tollgate_job_failures_total', 'job', name, failed_total from job
        union all
        select 'tollgate_job_last_success_timestamp_seconds', 'job', name, extract(epoch from succeeded_at)
        from job where succeeded_at is not null
        union all
        (select 'tollgate_ledger_imbalance', null, null, (summary ->> 'imbalance')::numeric
         from job_run where job = 'ledger.check' and outcome = 'done' order by id desc limit 1)
        union all
        select 'tollgate_mirror_oldest_pending_seconds', null, null,
               coalesce(extract(epoch from greatest(lib.now() - oldest, interval '0')), 0) from pending
        union all
        select 'tollgate_mirror_pending_commands', null, null, commands from pending
        union all
        select 'tollgate_proof_accounts_total', null, null, checked from proof
        union all
        select 'tollgate_proof_differences', null, null, count(*) from alert where kind = 'diverged' and closed_at is null
        union all
        select 'tollgate_proof_last_round_timestamp_seconds', null, null, extract(epoch from ended_at)
        from proof where ended_at is not null
        union all
        select 'tollgate_proof_round_seconds', null, null, extract(epoch from every) from proof
        union all
        select 'tollgate_proof_unproved_accounts', null, null, unproved from proof
        union all
        select 'tollgate_recoveries_oldest_open_seconds', null, null,
               coalesce(extract(epoch from greatest(lib.now() - oldest, interval '0')), 0) from recovering
        union all
        select 'tollgate_recoveries_open', null, null, open from recovering
        union all
        select 'tollgate_recoveries_total', null, null, (select count(*) from recovery) - open from recovering
        union all
        select 'tollgate_streams_behind', 'events', events, (select count(*) from stream_behind
                                                             where ended_at is null
                                                             and (is_gap and caught_up_at is null) = (events = 'gone'))
        from (values ('gone'), ('kept')) e (events)
        union all
        select name, 'result', 'refused', sum(refused) from settled group by name
        union all
        select name, 'result', 'taken', sum(taken) from settled group by name
        union all
        select 'tollgate_voids_open', null, null, count(*) from void_request where resolved_at is null
    )
    select jsonb_object_agg(name, samples)
    from (select name, jsonb_agg(jsonb_build_object('label', label, 'of', of, 'value', trim_scale(value)::text)
                                 order by of) as samples
          from sample group by name) named;
$$;
comment on function api.metrics is 'Samples of the metrics that Postgres knows, by name.';
