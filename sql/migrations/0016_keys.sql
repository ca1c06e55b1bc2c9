-- What a key may be used for, that it can rest, and which key takes over from it.

alter table api_key
    drop constraint api_key_state_check,
    add constraint api_key_state_check check (state in ('active', 'paused', 'revoked')),
    add column scopes      text[] collate "C" not null default '{}',
    add column ips         cidr[] not null default '{}',
    add column methods     text[] collate "C" not null default '{}',
    add column paths       text[] collate "C" not null default '{}',
    add column models      text[] collate "C" not null default '{}',
    add column replaced_by text collate "C" unique references api_key;
comment on table api_key is 'An API key, of which only the SHA-256 is kept. A list of scopes, networks, methods, path prefixes or models that is empty restricts nothing; replaced_by is the key that it was rerolled to.';
