create or replace function ledger.grants_reopen(account text) returns void
language plpgsql
set search_path = public, pg_temp
as $$
declare
    used record;
    lapsed record;
    anew credit_grant;
begin
    -- a loop over requests of an outage that an operator charges
    for used in
        select u.at, u.feature, u.credits from unpaid_use u
        where u.account = grants_reopen.account and u.state = 'open'
        order by u.at, u.id
    loop
        for lapsed in
            select g.id, g.effective_at, g.lapsed - g.rolled as credits
            from credit_grant g
            where g.account = grants_reopen.account and g.pocket <> '-' and g.lapsed > g.rolled and g.revoked_at is null
              and g.effective_at <= used.at and g.expires_at > used.at
              and (g.features = '{}'
                   or exists (select from unnest(g.features) f
                              where used.feature = f
                                 or f like '%*' and starts_with(used.feature, left(f, -1))))
            order by g.priority, g.expires_at, g.source = 'purchase', g.effective_at, g.id
        loop
            exit when used.credits = 0;
            anew.amount := least(used.credits, lapsed.credits);
            used.credits := used.credits - anew.amount;
            update credit_grant g set lapsed = g.lapsed - anew.amount where g.id = lapsed.id;

            -- its own pocket has ended: what the charge takes first, and what is soon gone where it can't
            anew.account := grants_reopen.account;
            anew.source := 'reopened';
            anew.priority := 0;
            anew.note := 'of grant ' || lapsed.id;
            anew.effective_at := lapsed.effective_at;
            anew.expires_at := date_trunc('milliseconds', lib.now() + interval '1 hour');
            anew.issue_key := format('reopened:%s:%s', lapsed.id, gen_random_uuid());
            perform ledger.grant_give(ledger.grant_make(anew), 'lapse', anew.amount);
        end loop;
    end loop;
end $$;
comment on function ledger.grants_reopen is 'Takes back from breakage what requests of an outage, that are charged now, could have used before it lapsed.';
