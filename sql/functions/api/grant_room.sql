create or replace function api.grant_room(account text, amount bigint, terms credit_grant) returns void
language plpgsql stable
set search_path = public, pg_temp
as $$
declare
    coming bigint;
    pockets bigint;
begin
    select coalesce(sum(g.amount), 0), count(*) into coming, pockets
    from credit_grant g
    where g.account = grant_room.account and g.txn is null and g.revoked_at is null;

    if ledger.balance(account) + coming + amount > 9007199254740991 then
        perform lib.refuse(422, 'balance_too_large', 'a balance can not be over 9007199254.740991 credits');
    end if;

    pockets := pockets + (select count(distinct g.pocket) from credit_grant g
                          where g.account = grant_room.account and g.pocket <> '-' and g.remaining > 0);
    if pockets >= 50 and (terms.effective_at > lib.now()
                          or ledger.pocket_key(terms.priority, terms.expires_at, terms.features) <> '-')
    then
        perform lib.refuse(422, 'grants_too_many', 'an account can have 50 grants to come and kinds of terms at once');
    end if;
end $$;
comment on function api.grant_room is 'Refuses a grant that the wallet could not hold.';
