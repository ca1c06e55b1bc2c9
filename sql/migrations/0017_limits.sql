-- Limits with names, the time in which an account's windows are counted, and events that tell of both.

alter table account
    add column time_zone   text not null default 'UTC',
    add column low_balance smallint[] not null default '{}'
        check (1 <= all (low_balance) and 100 >= all (low_balance) and cardinality(low_balance) <= 8),
    add column edge        jsonb not null default '{}';
comment on column account.low_balance is 'Percents of the balance after the last top-up whose use raises an event.';
comment on column account.edge is 'What the wallet was last told of anchor, time zone and low balance.';

alter table plan_version
    add column align text not null default 'calendar' check (align in ('calendar', 'anniversary'));

create view account_calendar as
select a.id as account, a.time_zone as zone, v.align, date_trunc('second', coalesce(s.anchor, a.created_at)) as anchor
from account a
join plan p on p.code = a.plan
join plan_version v on v.plan = p.code and v.version = p.version
left join subscription s on s.account = a.id and s.ended_at is null;
comment on view account_calendar is 'In which time zone, from when on, and how by its plan, the windows of an account are counted.';

create table usage_limit (
    id          bigint generated always as identity primary key check (id <= 9999999999),
    plan        code references plan,
    account     text collate "C" references account,
    app         text collate "C" references app,
    key         text collate "C" references api_key,
    holder_kind text collate "C" not null generated always as (
        case when plan is not null then 'plan' when account is not null then 'account'
             when app is not null then 'app' else 'key' end) stored,
    holder      text collate "C" not null generated always as (coalesce(plan::text, account, app, key)) stored,
    name        code not null check (name not in ('app_rate', 'balance', 'day', 'key_rate', 'month', 'rules')),
    meter       text not null check (meter in ('rate', 'requests', 'units', 'credits', 'running')),
    max         bigint not null check (max between 1 and 9007199254740991),
    "window"    text check ("window" in ('minute', 'hour', 'day', 'week', 'month', 'life')),
    align       text check (align in ('calendar', 'anniversary')),
    rate        text check (rate ~ '^\d{1,7}(\.\d{1,6})?/[smhd]$'),
    lease_ms    int check (lease_ms between 1000 and 3600000),
    per         text not null check (per in ('account', 'app', 'key')),
    feature     text collate "C" not null check (feature ~ '^(\*|[a-z0-9][a-z0-9._:-]{0,63}\*?)$'),
    effect      text not null check (effect in ('refuse', 'warn')),
    thresholds  smallint[] not null
        check (1 <= all (thresholds) and 1000 >= all (thresholds) and cardinality(thresholds) <= 8),
    unique (holder_kind, holder, name),
    check (num_nonnulls(plan, account, app, key) = 1),
    check (app is null or per = 'app'),
    check (key is null or per = 'key'),
    check ((meter = 'rate') = (rate is not null)),
    check ((meter = 'running') = (lease_ms is not null)),
    check ((meter in ('rate', 'running')) = ("window" is null)),
    check ((coalesce("window", 'life') = 'life') = (align is null)),
    check ("window" is not null or effect = 'refuse' and thresholds = '{}'),
    check (effect = 'warn' or 100 >= all (thresholds))
);
comment on table usage_limit is 'A limit of a plan, account, app or key; per says whose counter it is. max: of a rate the burst, of credits micro-credits. rate: requests a second, minute, hour or day. lease_ms: how long a request that runs is counted unless it is heard of. thresholds: percents of max that raise an event.';

create table account_event (
    id           bigint generated always as identity primary key,
    account      text collate "C" not null references account,
    at           timestamptz not null,
    type         text collate "C" not null
        check (type in ('balance.exhausted', 'balance.low', 'limit.threshold', 'quota.exceeded')),
    "limit"      code,
    meter        text,
    app          text collate "C",
    key          text collate "C",
    request_id   text collate "C",
    percent      smallint,
    max          bigint,
    used         bigint,
    -- whose counter it is, '' the account's, and the window it counted in
    counter      text collate "C" not null default '',
    window_start timestamptz,
    epoch        bigint,
    seq          bigint,
    n            int,
    unique (account, epoch, seq, n)
);
comment on table account_event is 'What a customer should hear of, once each: epoch, seq and n are those of the register''s event that told it, null where a refused request did.';
create unique index account_event_exceeded on account_event (account, "limit", counter, window_start)
    where type = 'quota.exceeded';
create index account_event_account on account_event (account, id);

create trigger account_event_insert_only before update or delete or truncate on account_event
    for each statement execute function refuse_change();

grant insert, update, delete on usage_limit to tollgate_worker;
grant insert on account_event to tollgate_worker;

insert into job (name, every, catch_up, due_at)
values ('zones.refresh', interval '1 hour', false, date_trunc('hour', clock_timestamp()));
