-- What metrics are made of: counts that need no look at the rows they count.

alter table stream_cursor
    add column taken   bigint not null default 0,
    add column refused bigint not null default 0;

alter table job
    add column failed_total bigint not null default 0,
    add column succeeded_at timestamptz;

update job j
set failed_total = r.failed, succeeded_at = r.succeeded_at
from (select job, count(*) filter (where outcome = 'failed') as failed,
             max(at) filter (where outcome = 'done') as succeeded_at
      from job_run group by job) r
where r.job = j.name;

create index account_frozen on account (id) where state = 'frozen';

-- due at once, so that the first answer doesn't take an hour
insert into job (name, every, catch_up, due_at)
values ('ledger.check', '1 hour', false,
        date_trunc('hour', clock_timestamp() at time zone 'UTC') at time zone 'UTC');
