-- The catalog: tiers, apps, features, models; and plans with their versions.

create domain code as text collate "C"
    check (value ~ '^[a-z0-9][a-z0-9._:-]{0,63}$');

create table tier (
    rank smallint primary key check (rank between 0 and 99),
    code code not null unique,
    name text not null
);
insert into tier (rank, code, name) values
    (0, 'free', 'Free'), (1, 'basic', 'Basic'), (2, 'pro', 'Pro'),
    (3, 'enterprise', 'Enterprise');

create table catalog_app (
    code   code primary key,
    name   text not null,
    active boolean not null default true
);
comment on table catalog_app is 'What stands behind the gate and sells models; not an app of an account.';

create table feature (
    code    code primary key,
    name    text not null,
    credits bigint not null check (credits between 0 and 9007199254740991),
    units   bigint not null default 1 check (units between 0 and 9007199254740991),
    active  boolean not null default true
);
comment on table feature is 'A priced action; credits in micro-credits, units of quota.';

create table model (
    key     code primary key,
    app     code not null references catalog_app,
    code    code not null,
    name    text not null,
    feature code not null references feature,
    tier    smallint not null references tier,
    credits bigint check (credits between 0 and 9007199254740991),
    units   bigint check (units between 0 and 9007199254740991),
    beta    boolean not null default false,
    active  boolean not null default true,
    unique (app, code),
    check (key = app || ':' || code)
);
comment on table model is 'A variant of a feature; credits and units null: those of the feature.';

create table catalog_version (
    only_row boolean primary key default true check (only_row),
    version  bigint not null
);
insert into catalog_version (version) values (1);

create table plan (
    code    code primary key,
    version int not null default 1,
    public  boolean not null default true
);

create table plan_version (
    plan        code not null references plan,
    version     int not null check (version > 0),
    name        text not null,
    tier        smallint not null references tier,
    mode        text not null check (mode in ('payg', 'subscription', 'hybrid')),
    price       bigint check (price >= 0),
    currency    char(3) not null default 'THB' check (currency ~ '^[A-Z]{3}$'),
    interval    interval not null check (interval > interval '0'),
    day_units   bigint check (day_units between 0 and 9007199254740991),
    month_units bigint check (month_units between 0 and 9007199254740991),
    key_rate    numeric(13, 6) check (key_rate > 0 and key_rate <= 1000000),
    key_burst   int not null default 1 check (key_burst between 1 and 1000000),
    app_rate    numeric(13, 6) check (app_rate > 0 and app_rate <= 1000000),
    app_burst   int not null default 1 check (app_burst between 1 and 1000000),
    created_at  timestamptz not null default clock_timestamp(),
    primary key (plan, version)
);
comment on table plan_version is 'What a plan gives, a row a version and never changed; price in minor units, null: by agreement; null units or rate: no limit.';

insert into plan (code, version, public) values ('payg', 1, false);
insert into plan_version (plan, version, name, tier, mode, price, currency, interval)
values ('payg', 1, 'Pay as you go', 0, 'payg', 0, 'THB', interval '1 month');
