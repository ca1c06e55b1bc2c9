-- Keys that customers held before: hashed at import, and found at the edge by an alias of the hash.

alter table api_key add column imported boolean not null default false;
comment on table api_key is 'An API key, of which only the SHA-256 is kept. A list of scopes, networks, methods, path prefixes or models that is empty restricts nothing; replaced_by is the key that it was rerolled to. One that was imported is of any form: prefix and last4 are empty where nothing of it may be shown.';

create table key_alias (
    key     text collate "C" primary key references api_key,
    shard   smallint not null check (shard >= 0),
    version bigint not null default 1,
    carried bigint not null default 0 check (carried <= version)
);
comment on table key_alias is 'What tells the edge the account of an imported key. shard: of the hash of the key; version: of the alias as the key is now; carried: the version that Redis has.';
create index key_alias_due on key_alias (key) where carried < version;

grant insert, update (version, carried) on key_alias to tollgate_worker;
