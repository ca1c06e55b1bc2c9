-- Settings, the clock, and the role with which the worker's roles run.

do $$
begin
    if not exists (select from pg_roles where rolname = 'tollgate_worker') then
        create role tollgate_worker nologin;
    end if;
    if not pg_has_role(current_user, 'tollgate_worker', 'member') then
        execute format('grant tollgate_worker to %I', current_user);
    end if;
end $$;

create extension if not exists pgcrypto;

create schema lib;
create schema ledger;
create schema mirror;
create schema job;
create schema api;

create table setting (
    name  text primary key,
    value text not null
);
comment on table setting is 'What an operator decides for the whole installation; amounts are micro-credits.';

insert into setting (name, value) values
    ('shards', '64'),
    ('join_credits', '0'),
    ('daily_credits', '0');

create table test_clock (
    only_row  boolean primary key default true check (only_row),
    frozen_at timestamptz
);
comment on table test_clock is 'Where a row stands here, lib.now() is its time.';

create table alert (
    id      bigint generated always as identity primary key,
    at      timestamptz not null,
    kind    text not null,
    account text collate "C",
    detail  jsonb not null default '{}',
    closed_at timestamptz
);
comment on table alert is 'What an operator has to look at; open while closed_at is null.';
create index alert_open on alert (at) where closed_at is null;
