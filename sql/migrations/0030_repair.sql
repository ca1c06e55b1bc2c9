-- Repair of accounts that differ: what became of the events that were kept aside.

alter table suspense_event add column repaired_at timestamptz;
comment on column suspense_event.repaired_at is 'When a repair of its account dealt with it: posted it, where recovery says by which, or gave it up.';

grant update (recovery, repaired_at) on suspense_event to tollgate_worker;

drop function if exists ledger.proof_differs;
drop function if exists ledger.verify_sides;
