-- What is due and how it went; and the audit log.

create table job (
    name         text primary key,
    every        interval not null check (every > interval '0'),
    catch_up     boolean not null,
    due_at       timestamptz not null,
    requested_at timestamptz,
    retry_at     timestamptz,
    failures     int not null default 0
);
comment on table job is 'A job runs for its due_at, which moves on by one period when it is done; retry_at is when a failed one is tried again, requested_at when somebody asked for a run besides. Without catch_up one run makes up for all that were missed.';

create table job_run (
    id      bigint generated always as identity primary key,
    job     text not null references job,
    due_at  timestamptz not null,
    at      timestamptz not null,
    outcome text not null check (outcome in ('done', 'failed')),
    summary jsonb not null default '{}'
);
create index job_run_job on job_run (job, id);

insert into job (name, every, catch_up, due_at)
select name, every::interval, every <> '1 minute' and name <> 'partitions.make', date_trunc(unit, clock_timestamp() at time zone 'UTC') at time zone 'UTC'
       + after::interval
from (values ('subscriptions.renew', '1 minute', 'minute', '0'),
             ('partitions.make', '1 day', 'day', '0'),
             ('snapshots.hourly', '1 hour', 'hour', '5 minutes'),
             ('snapshots.daily', '1 day', 'day', '10 minutes'),
             ('credits.daily', '1 day', 'day', '5 minutes'),
             ('voids.resolve', '1 minute', 'minute', '0')) j (name, every, unit, after);

create table audit_log (
    id        bigint primary key,
    at        timestamptz not null,
    actor     text not null,
    action    text not null,
    object    text not null,
    detail    jsonb not null,
    prev_hash text not null,
    hash      text not null unique
);
comment on table audit_log is 'Every change by a person; hash is the SHA-256 over prev_hash and the row.';
create trigger audit_log_insert_only before update or delete or truncate on audit_log
    for each statement execute function refuse_change();
