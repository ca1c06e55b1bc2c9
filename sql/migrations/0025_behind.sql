-- A Postgres that is older than what Redis has seen: restored from a copy, or after a failover that lost commits.

create table stream_behind (
    id           bigint generated always as identity primary key,
    stream       text collate "C" not null,
    cursor       text collate "C" not null,
    trimmed      text collate "C" not null,
    settled      text collate "C" not null,
    settled_at   timestamptz not null,
    is_gap       boolean not null,
    found_at     timestamptz not null,
    scanned_at   timestamptz,
    caught_up_at timestamptz,
    ended_at     timestamptz
);
comment on table stream_behind is 'Streams of which Redis knows that more was settled than this database has: cursor is where it was, settled how far one had come at settled_at, trimmed up to where events are gone. is_gap: some that are not settled are gone, and nothing is settled until somebody lets it catch up. Else, and then, the stream is settled again until ended_at.';
create unique index stream_behind_open on stream_behind (stream) where ended_at is null;

create table catchup (
    id          bigint generated always as identity primary key,
    behind      bigint not null references stream_behind,
    account     text collate "C" not null references account,
    old_epoch   bigint not null,
    old_seq     bigint not null,
    epoch       bigint not null,
    seq         bigint not null,
    credits     bigint not null,
    txn         bigint references ledger_txn,
    unique (behind, account)
);
comment on table catchup is 'Accounts of which events were gone when a stream caught up: from which event to which, and what their balance changed by, in micro-credits, by one transaction without details.';
create index catchup_account on catchup (account, id);

create table command_forgotten (
    account  text collate "C" not null references account,
    after_no bigint not null,
    to_no    bigint not null check (to_no > after_no),
    found_at timestamptz not null,
    primary key (account, after_no)
);
comment on table command_forgotten is 'Numbers of commands that wallets have and this database has not: they were given by one that it is an older copy of.';

grant insert, update (scanned_at, caught_up_at, ended_at) on stream_behind to tollgate_worker;
grant insert on catchup, command_forgotten to tollgate_worker;
grant update (no) on command to tollgate_worker;
