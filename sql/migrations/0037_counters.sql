-- Counters of limits are reckoned from the books where Redis lost them: a limit counts what came after it was made.

alter table usage_limit add column since timestamptz;
comment on column usage_limit.since is 'When it was made: what was used before does not count; null where that is not known.';
