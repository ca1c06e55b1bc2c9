-- What an explanation of a request needs; null in what older gates and workers recorded.

alter table usage_event
    add column cost        bigint,
    add column cost_units  bigint,
    add column avail       bigint,
    add column "limit"     text collate "C",
    add column day_left    bigint,
    add column month_left  bigint,
    add column tier_needed int,
    add column plan        text collate "C",
    add column wait_ms     bigint,
    add column store_us    bigint;
create index usage_event_request on usage_event using hash (request_id);

alter table charge add column txn bigint;
alter table void_request add column command bigint;

create or replace view feature_usage as
select date_trunc('day', u.at at time zone 'UTC')::date as day, u.account as user_id, u.feature, u.model,
       count(*) as uses, sum(u.credits) filter (where not u.refunded) as credits
from usage_event u
where u.verdict in ('pass', 'pass_open', 'pass_stale') and not u.dry_run
group by 1, 2, 3, 4;

drop function if exists ledger.settle_details;
