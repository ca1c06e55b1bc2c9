-- The proof without end: where it is in its round, and how to read accounts by shard.

create table proof (
    one       boolean primary key default true check (one),
    shard     int not null default 0,
    after     text collate "C" not null default '',
    began_at  timestamptz,
    ended_at  timestamptz,
    accounts  bigint not null default 0,
    checked   bigint not null default 0,
    moving    bigint not null default 0,
    unproved  bigint not null default 0,
    every     interval not null default interval '1 hour'
);
comment on table proof is 'Of the role proof: the account that it looked at last, when its round began, and the last whole one ended; accounts and moving are those of this round, and of them those that moved each time that they were looked at; unproved is moving of the last whole round; checked counts those of all rounds; every is how long a round may take.';
insert into proof default values;

create index account_shard on account (shard, id);

-- what the proof asks for: credits on their way, among all that commands carry
create index command_delta on command (account, no) where delta <> 0;

grant update on proof to tollgate_worker;

drop function if exists ledger.verify_side;
