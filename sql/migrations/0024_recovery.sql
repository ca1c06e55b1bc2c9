-- Loss of Redis: which store each shard has, and wallets that are made again from the ledger.

create table store (
    shard  smallint primary key check (shard >= 0),
    id     text collate "C" not null,
    replid text collate "C" not null,
    state  text not null default 'sound' check (state in ('sound', 'lost', 'rebuild')),
    reason text,
    at     timestamptz not null
);
comment on table store is 'The store that a shard has in Redis: id is what the worker wrote into it, replid what the server called its history when it was last looked through. lost: it is looked through, or has to be. rebuild: all its wallets are to be made again.';

create table recovery (
    id          bigint generated always as identity primary key,
    account     text collate "C" not null references account,
    shard       smallint not null,
    reason      text not null,
    at          timestamptz not null,
    done_at     timestamptz,
    old_epoch   bigint,
    epoch       bigint,
    found       jsonb,
    ledger      jsonb,
    cmd         bigint,
    avail       bigint,
    delta       bigint,
    events      bigint not null default 0,
    short       bigint not null default 0 check (short >= 0),
    requests    bigint not null default 0 check (requests >= 0),
    written_off bigint not null default 0 check (written_off >= 0)
);
comment on table recovery is 'Wallets that were made again under a new epoch. found: the wallet, null where there was none; ledger: the register''s end and the balance there. delta: what avail and held together changed by. events: of a history that the ledger had not. short: what those charged beyond the balance. requests, written_off: what passed and is in no history. Amounts are micro-credits.';
create unique index recovery_open on recovery (account) where done_at is null;
create index recovery_due on recovery (shard, id) where done_at is null;
create index recovery_account on recovery (account, at);

create table recovery_writeoff (
    request_id text collate "C" primary key,
    recovery   bigint not null references recovery,
    account    text collate "C" not null references account,
    at         timestamptz not null,
    credits    bigint not null check (credits > 0),
    txn        bigint not null references ledger_txn
);
comment on table recovery_writeoff is 'Requests that passed, by their usage records, and whose charge was lost with Redis.';
create index recovery_writeoff_recovery on recovery_writeoff (recovery);

alter table suspense_event add column recovery bigint references recovery;
comment on column suspense_event.recovery is 'Which recovery posts it, for what it is.';
create index suspense_event_recovery on suspense_event (recovery) where recovery is not null;

grant insert, update on store to tollgate_worker;
grant insert, update on recovery to tollgate_worker;
grant insert on recovery_writeoff to tollgate_worker;
