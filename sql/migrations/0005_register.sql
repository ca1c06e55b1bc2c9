-- The cheque register's other side: cursors, commands, and what did not add up.

create table stream_cursor (
    stream  text collate "C" primary key,
    last_id text collate "C" not null default '0-0',
    moved_at timestamptz not null
);

create table account_cursor (
    account    text collate "C" primary key references account,
    epoch      bigint not null default 1,
    last_seq   bigint not null default 0,
    last_avail bigint not null default 0,
    last_held  bigint not null default 0,
    last_cmd   bigint not null default 0,
    command_no bigint not null default 0
);
comment on table account_cursor is 'The last event of an account that was settled, and the number of the last command among them; command_no is the number of its newest command.';

create table command (
    account    text collate "C" not null references account,
    no         bigint not null check (no > 0),
    delta      bigint not null default 0,
    set_fields jsonb not null default '{}',
    del_fields jsonb not null default '[]',
    created_at timestamptz not null,
    applied_at timestamptz,
    refused    int,
    primary key (account, no)
);
comment on table command is 'What the mirror carries to Redis, in the order of no; the only way a balance there is changed from here.';
create index command_pending on command (account, no) where applied_at is null and refused is null;

create table suspense_event (
    id        bigint generated always as identity primary key,
    stream    text collate "C" not null,
    stream_id text collate "C" not null,
    account   text collate "C",
    reason    text not null,
    event     jsonb not null,
    at        timestamptz not null
);
comment on table suspense_event is 'Events that were not posted because their account did not add up.';
create index suspense_event_account on suspense_event (account, id);

create table void_request (
    request_id  text collate "C" primary key,
    account     text collate "C" not null references account,
    at          timestamptz not null,
    seen_at     timestamptz not null,
    resolved_at timestamptz,
    credits     bigint,
    units       bigint
);
comment on table void_request is 'Requests whose answer was lost; credits is what was given back; null where no charge was found, which one that comes late still changes.';
create index void_request_open on void_request (seen_at) where resolved_at is null;

create table quota_usage (
    account text collate "C" not null references account,
    "window" text not null check ("window" in ('day', 'month')),
    start   timestamptz not null,
    used    bigint not null check (used >= 0),
    primary key (account, "window", start)
);
