-- Leases: what is lent to nginx hosts is in Redis; here is how many were taken back.

alter table stream_cursor add column reclaimed bigint not null default 0;
comment on column stream_cursor.reclaimed is 'Leases that were taken back since their host was not heard of, of a ledger stream.';
