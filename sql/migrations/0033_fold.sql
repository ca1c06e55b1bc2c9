-- Accounts of a batch in sums come as an argument: a temporary table that is emptied costs each batch more than its posting.

drop function if exists ledger.settle_plain, ledger.settle_unfit, ledger.settle_fold_windows;

create type fold as (
    account text collate "C", events bigint, expired bigint, epoch bigint, first_seq bigint, last_seq bigint,
    opening bigint, held_from bigint, held_to bigint, avail bigint, held bigint, spent_low bigint, spent_high bigint,
    first_us bigint, last_us bigint, units bigint, sums jsonb
);
comment on type fold is 'An account whose events of a batch are plain: what they come to. sums: of each feature, objects with feature, credits, at_us.';
