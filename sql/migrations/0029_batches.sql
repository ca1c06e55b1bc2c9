-- Batches of usage records that a process of nginx sends again count once.

create table usage_source (
    source text collate "C" primary key,
    no     bigint not null check (no > 0),
    at     timestamptz not null
);
comment on table usage_source is 'Processes of nginx that send usage records, and the number of the last batch of each that was taken; kept for a week.';

grant insert, update, delete on usage_source to tollgate_worker;
