-- Content that is sold by the view, once, for ever, in bundles or with a plan, and who is entitled to it.

create table content_pricing (
    code        code primary key,
    title       text not null check (length(title) between 1 and 200),
    kind        text not null
                check (kind in ('bundle', 'free', 'lifetime', 'one_time', 'pay_per_view', 'subscription')),
    credits     bigint not null check (credits between 0 and 9007199254740991),
    view_window int not null default 21600 check (view_window between 60 and 31622400),
    views       int check (views between 1 and 1000000000),
    span        text not null default 'life' check (span in ('life', 'month')),
    days        int check (days between 1 and 36600),
    tier        smallint references tier,
    bundles     text[] collate "C" not null default '{}' check (cardinality(bundles) <= 4),
    active      boolean not null default true,
    check (kind <> 'lifetime' or views is null and days is null),
    check (kind <> 'subscription' or tier is not null)
);
comment on table content_pricing is 'Content and bundles of it; credits: of a view of what is pay_per_view, else of what a purchase gives: views (null: any number) in a month or in all, for days (null: for ever). tier: whose plans include it. view_window: seconds that a view is open.';

create table entitlement (
    id         text collate "C" primary key check (id ~ '^ent[0-9A-Za-z]{10}$'),
    account    text collate "C" not null references account,
    content    code not null references content_pricing,
    views      int check (views between 1 and 1000000000),
    span       text not null check (span in ('life', 'month')),
    until      timestamptz,
    credits    bigint not null default 0 check (credits between 0 and 9007199254740991),
    state      text not null check (state in ('pending', 'active', 'declined', 'revoked', 'ended')),
    taking     text collate "C" unique,
    note       text not null default '',
    created_at timestamptz not null,
    ended_at   timestamptz,
    check ((credits > 0) = (taking is not null)),
    check (state <> 'pending' or taking is not null),
    check ((state in ('pending', 'active')) = (ended_at is null))
);
comment on table entitlement is 'What an account may view of a piece of content or of a bundle. pending: a command takes its credits from the wallet, by a charge whose request is taking; declined: the wallet had too few.';
create index entitlement_account on entitlement (account, id);
create index entitlement_until on entitlement (until) where state = 'active';
create unique index entitlement_pending on entitlement (account, content) where state = 'pending';

grant insert, update on content_pricing, entitlement to tollgate_worker;

insert into job (name, every, catch_up, due_at)
values ('content.sweep', interval '1 day', false, date_trunc('day', clock_timestamp()) + interval '15 minutes');
