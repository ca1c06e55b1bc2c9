create or replace function ledger.grant_roll(ended bigint) returns void
language plpgsql
set search_path = public, pg_temp
as $$
declare
    old credit_grant;
    anew credit_grant;
begin
    select * into strict old from credit_grant g where g.id = ended;

    if old.rollover_max is null or old.lapsed = 0 or old.revoked_at is not null then
        return;
    end if;

    -- what returns to it after its end and lapses then adds up, within the bounds
    anew.amount := least(old.rollover_max, greatest(old.rollover_min, old.lapsed)) - old.rolled;
    if anew.amount <= 0 then
        return;
    end if;

    update credit_grant g set rolled = g.rolled + anew.amount where g.id = old.id;

    anew.account := old.account;
    anew.source := 'rollover';
    anew.priority := old.priority;
    anew.features := old.features;
    anew.note := 'of grant ' || old.id;
    anew.effective_at := old.expires_at;
    anew.expires_at := old.expires_at + old.rollover_for;
    anew.issue_key := format('rollover:%s:%s', old.id, old.rolled + anew.amount);
    perform ledger.grant_give(ledger.grant_make(anew), 'rollover',
                              greatest(0, least(anew.amount, old.lapsed - old.rolled)));
end $$;
comment on function ledger.grant_roll is 'Gives anew what lapsed of a grant that rolls over, within its bounds, once.';
