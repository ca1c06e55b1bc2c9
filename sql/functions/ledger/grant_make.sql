create or replace function ledger.grant_make(wanted credit_grant) returns bigint
language sql
set search_path = public, pg_temp
as $$
    insert into credit_grant (account, source, priority, amount, remaining, note, effective_at, created_at, issue_key,
                              expires_at, features, pocket, rollover_max, rollover_min, rollover_for)
    select wanted.account, wanted.source, terms.priority, wanted.amount, 0, coalesce(wanted.note, ''),
           coalesce(wanted.effective_at, lib.now()), lib.now(), wanted.issue_key, wanted.expires_at, terms.features,
           ledger.pocket_key(terms.priority, wanted.expires_at, terms.features), wanted.rollover_max,
           wanted.rollover_min, wanted.rollover_for
    from (select coalesce(wanted.priority, 50) as priority, coalesce(wanted.features, '{}') as features) terms
    on conflict (issue_key) do nothing
    returning id;
$$;
comment on function ledger.grant_make is 'Adds a grant that is not issued yet, of what is given of its row; null where this issue key was used before.';
