-- Accounts, their apps and keys, and what they subscribed to.

create table account (
    id         text collate "C" primary key check (id ~ '^[0-9A-Za-z]{10}$'),
    shard      smallint not null check (shard >= 0),
    name       text not null check (length(name) between 1 and 200),
    email      text check (length(email) <= 320),
    state      text not null default 'active'
               check (state in ('active', 'suspended', 'frozen')),
    plan       code not null default 'payg' references plan,
    created_at timestamptz not null
);
create index account_plan on account (plan);

create table app (
    id         text collate "C" primary key check (id ~ '^app_[0-9A-Za-z]{10}$'),
    account    text collate "C" not null references account,
    name       text not null check (length(name) between 1 and 200),
    kind       text not null check (kind in ('mobile', 'desktop', 'web', 'api')),
    state      text not null default 'active' check (state in ('active', 'suspended')),
    created_at timestamptz not null
);
create index app_account on app (account, id);

create table api_key (
    id         text collate "C" primary key check (id ~ '^key_[0-9A-Za-z]{10}$'),
    app        text collate "C" not null references app,
    account    text collate "C" not null references account,
    name       text not null default '' check (length(name) <= 200),
    hash       text collate "C" not null unique check (hash ~ '^[0-9a-f]{64}$'),
    prefix     text not null,
    last4      text not null,
    state      text not null default 'active' check (state in ('active', 'revoked')),
    expires_at timestamptz,
    created_at timestamptz not null,
    revoked_at timestamptz,
    check ((state = 'revoked') = (revoked_at is not null))
);
comment on table api_key is 'An API key, of which only the SHA-256 is kept.';
create index api_key_account on api_key (account, id);
create index api_key_app on api_key (app, id);

create table subscription (
    id           bigint generated always as identity primary key,
    account      text collate "C" not null references account,
    plan         code not null references plan,
    plan_version int not null,
    anchor       timestamptz not null,
    interval     interval not null check (interval > interval '0'),
    period_no    int not null default 0 check (period_no >= 0),
    period_start timestamptz not null,
    period_end   timestamptz not null,
    auto_renew   boolean not null default true,
    ended_at     timestamptz,
    created_at   timestamptz not null,
    foreign key (plan, plan_version) references plan_version,
    check (period_start < period_end)
);
comment on table subscription is 'Period n is [anchor + n * interval, anchor + (n + 1) * interval).';
create unique index subscription_current on subscription (account) where ended_at is null;
create index subscription_due on subscription (period_end) where ended_at is null;
