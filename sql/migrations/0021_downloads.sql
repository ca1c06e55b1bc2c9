-- Signed download links: what each was made for, and what was downloaded by it.

create table downloads (
    id            text collate "C" primary key check (id ~ '^dl_[0-9A-Za-z]{10,32}$'),
    account       text collate "C" not null references account,
    app           text collate "C" not null references app,
    path          text collate "C",
    query         text collate "C",
    feature       code,
    network       cidr,
    max_downloads int check (max_downloads > 0),
    window_s      int check (window_s between 1 and 604800),
    expires_at    timestamptz,
    created_at    timestamptz not null,
    revoked_at    timestamptz,
    downloads     bigint not null default 0 check (downloads >= 0),
    requests      bigint not null default 0 check (requests >= 0),
    refused       bigint not null default 0 check (refused >= 0),
    bytes_sent    bigint not null default 0 check (bytes_sent >= 0),
    first_at      timestamptz,
    last_at       timestamptz,
    check ((path is null) = (expires_at is null)),
    check ((path is null) = (window_s is null))
);
comment on table downloads is 'Links that were made here, and those without a path that a backend signed itself and that were used. downloads counts what was charged for, requests all that passed, with ranges and retries; by usage records, so what these lost is missing.';
create index downloads_account on downloads (account, id);

alter table usage_event add column download boolean;
create index usage_event_link on usage_event (key, at) where key like 'dl\_%';

grant insert, update on downloads to tollgate_worker;
