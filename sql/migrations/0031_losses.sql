-- Requests that passed and whose charge was lost with Redis: found by their usage records, and written off.

alter table recovery_writeoff
    alter column recovery drop not null,
    add column feature text collate "C",
    add column noted_at timestamptz not null,
    add column reversed bigint references ledger_txn;
comment on column recovery_writeoff.recovery is 'Of the account, about that time; null where its wallet was what the ledger knew.';
comment on column recovery_writeoff.reversed is 'The transaction that took it back, for its charge came after all.';

grant update (reversed) on recovery_writeoff to tollgate_worker;

insert into job (name, every, catch_up, due_at)
values ('losses.find', interval '1 minute', false, date_trunc('minute', clock_timestamp()));
