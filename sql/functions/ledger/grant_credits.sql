create or replace function ledger.grant_credits(account text, amount bigint, source text, issue_key text,
                                                note text default '', terms credit_grant default null) returns bigint
language plpgsql
set search_path = public, pg_temp
as $$
declare
    given bigint;
begin
    perform 1 from account_cursor c where c.account = grant_credits.account for update;

    terms.account := grant_credits.account;
    terms.amount := grant_credits.amount;
    terms.source := grant_credits.source;
    terms.issue_key := grant_credits.issue_key;
    terms.note := grant_credits.note;
    given := ledger.grant_make(terms);

    if given is null then
        return null;
    end if;

    if terms.effective_at > lib.now() then
        -- the edge starts it to the millisecond, and tells by an event
        perform mirror.command(g.account, 0, jsonb_build_object('later',
                    format('%s %s %s %s', floor(extract(epoch from g.effective_at) * 1000)::bigint, g.id, g.amount,
                           g.pocket)))
        from credit_grant g
        where g.id = given;
    else
        perform ledger.grant_give(given, 'grant');
    end if;

    return given;
end $$;
comment on function ledger.grant_credits is 'Gives credits to an account in the ledger, and by a command at the edge, at once or from when its terms say; null where this issue key was used before.';
