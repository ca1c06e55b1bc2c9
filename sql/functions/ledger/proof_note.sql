create or replace function ledger.proof_note(shard int, after text, accounts bigint, moving bigint, whole boolean,
                                             round_ms bigint) returns void
language sql
set search_path = public, pg_temp
as $$
    update proof p
    set shard = case when whole then 0 else proof_note.shard end,
        after = case when whole then '' else proof_note.after end,
        began_at = case when p.shard = 0 and p.after = '' then lib.now() else p.began_at end,
        ended_at = case when whole then lib.now() else p.ended_at end,
        accounts = case when whole then 0 else p.accounts + proof_note.accounts end,
        moving = case when whole then 0 else p.moving + proof_note.moving end,
        unproved = case when whole then p.moving + proof_note.moving else p.unproved end,
        checked = p.checked + proof_note.accounts,
        every = round_ms * interval '1 millisecond';
$$;
comment on function ledger.proof_note is 'Records a page of the round of the proof: its last account, how many it had and how many of them moved, and whether it was the last.';
