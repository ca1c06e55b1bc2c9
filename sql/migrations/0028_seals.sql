-- Seals of the ledger and points to sum from, statements that were issued, and daily roots of the audit log.

create table ledger_seal (
    no        bigint primary key check (no > 0),
    first_txn bigint not null,
    last_txn  bigint not null unique,
    txns      bigint not null check (txns > 0),
    entries   bigint not null check (entries >= 0),
    turnover  jsonb not null,
    prev_hash text not null,
    hash      text not null unique check (hash ~ '^[0-9a-f]{64}$'),
    sealed_at timestamptz not null,
    check (first_txn <= last_txn)
);
comment on table ledger_seal is 'Transactions up to last_txn that no earlier seal has; hash is the SHA-256 over prev_hash, the rows and their entries, turnover what was debited of each asset.';

create table ledger_checkpoint (
    account text collate "C" not null references account,
    txn     bigint not null,
    txns    bigint not null check (txns > 0),
    latest  timestamptz not null,
    balance bigint not null,
    primary key (account, txn)
);
comment on table ledger_checkpoint is 'Of an account after each 256th of its sealed transactions: the balance, and the latest recorded_at until then.';
create index ledger_checkpoint_latest on ledger_checkpoint (account, latest, txn);

create table ledger_tally (
    account text collate "C" primary key references account,
    txn     bigint not null,
    txns    bigint not null,
    latest  timestamptz not null,
    balance bigint not null
) with (fillfactor = 60);
comment on table ledger_tally is 'The same after the last sealed transaction of each account, from which the next seal goes on.';

create table statement (
    id         text collate "C" primary key check (id ~ '^st_[0-9A-Za-z]{16}$'),
    account    text collate "C" not null references account,
    no         int not null check (no > 0),
    from_at    timestamptz not null,
    to_at      timestamptz not null,
    after_txn  bigint not null,
    last_txn   bigint not null,
    opening    bigint not null,
    closing    bigint not null,
    movements  bigint not null check (movements >= 0),
    hash       text not null check (hash ~ '^[0-9a-f]{64}$'),
    seal       bigint references ledger_seal,
    seal_hash  text not null,
    issued_at  timestamptz not null,
    issued_by  text not null,
    unique (account, no),
    unique (account, from_at, to_at),
    check (from_at < to_at),
    check (after_txn <= last_txn)
);
comment on table statement is 'A statement as it was issued: the movements with after_txn < id <= last_txn, for ever; hash is the SHA-256 over its lines, seal_hash that of the ledger by then.';
create index statement_to on statement (account, to_at);

create table audit_root (
    day       date primary key,
    first_row bigint,
    last_row  bigint not null,
    rows      bigint not null check (rows >= 0),
    seal      bigint references ledger_seal,
    seal_hash text not null,
    prev_hash text not null,
    hash      text not null unique check (hash ~ '^[0-9a-f]{64}$'),
    made_at   timestamptz not null,
    check ((rows = 0) = (first_row is null))
);
comment on table audit_root is 'What a day of the audit log comes to: rows up to last_row that no earlier root has, with the seal of the ledger by then; hash chains it to the day before.';

create trigger ledger_seal_insert_only before update or delete or truncate on ledger_seal
    for each statement execute function refuse_change();
create trigger ledger_checkpoint_insert_only before update or delete or truncate on ledger_checkpoint
    for each statement execute function refuse_change();
create trigger statement_insert_only before update or delete or truncate on statement
    for each statement execute function refuse_change();
create trigger audit_root_insert_only before update or delete or truncate on audit_root
    for each statement execute function refuse_change();

comment on table audit_log is 'Every change by a person, a job or the worker; hash is the SHA-256 over prev_hash and the row.';
create index audit_log_object on audit_log (object, id);
create index audit_log_actor on audit_log (actor, id);

-- these get other arguments
drop function if exists lib.audit, lib.audit_breaks;

grant insert on ledger_seal, ledger_checkpoint, statement, audit_root to tollgate_worker;
grant insert, update on ledger_tally to tollgate_worker;
grant select on sequence ledger_txn_id_seq to tollgate_worker;

insert into job (name, every, catch_up, due_at)
values ('ledger.seal', interval '1 minute', false, date_trunc('minute', clock_timestamp())),
       ('audit.root', interval '1 day', true, date_trunc('day', clock_timestamp() at time zone 'UTC') at time zone 'UTC'
                                              + interval '1 day 20 minutes');
