-- Details of single requests, by month: what was charged, and how it went.

create table charge (
    at         timestamptz not null,
    account    text collate "C" not null,
    kind       text not null,
    epoch      bigint not null,
    seq        bigint not null,
    request_id text collate "C" not null,
    key        text collate "C",
    app        text collate "C",
    feature    text collate "C",
    model      text collate "C",
    credits    bigint not null,
    units      bigint not null
) partition by range (at);
comment on table charge is 'Charges, and refunds with what they gave back; a row a request.';
create table charge_default partition of charge default;
create index charge_account on charge (account, at);
create index charge_request on charge (request_id);

create table usage_event (
    at         timestamptz not null,
    at_ms      bigint not null,
    host       text collate "C" not null,
    request_id text collate "C" not null,
    account    text collate "C",
    app        text collate "C",
    key        text collate "C",
    "user"     text collate "C",
    feature    text collate "C",
    model      text collate "C",
    verdict    text collate "C" not null,
    status     smallint not null,
    credits    bigint not null,
    units      bigint not null,
    refunded   boolean not null,
    latency_ms bigint not null,
    bytes_in   bigint not null,
    bytes_out  bigint not null,
    dry_run    boolean not null
) partition by range (at);
comment on table usage_event is 'Every decided request, refused ones too, as the gate saw it end.';
create table usage_event_default partition of usage_event default;
create index usage_event_at on usage_event using brin (at);
create index usage_event_account on usage_event (account, at);

create table analytics_snapshots (
    period  text not null check (period in ('hour', 'day')),
    start   timestamptz not null,
    metric  text not null,
    app     text collate "C" not null default '',
    feature text collate "C" not null default '',
    model   text collate "C" not null default '',
    value   numeric not null,
    primary key (period, start, metric, app, feature, model)
);
comment on table analytics_snapshots is 'Figures of an hour or a day; app is the app of the catalog, empty codes are totals, credits are micro-credits.';
