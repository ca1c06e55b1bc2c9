create or replace function api.request_ledger(request text) returns jsonb
language sql stable
set search_path = public, pg_temp
as $$
    select coalesce(jsonb_agg(jsonb_build_object('kind', kind, 'at', lib.time(at), 'credits', lib.credits(credits),
                        'units', units, 'txn', txn::text, 'said', said) order by at, place), '[]')
    from (select at, 1 as place, kind, credits, units, txn,
                 case kind when 'void' then format('given back by command %s: the gate did not learn of the charge',
                                                   (select v.command from void_request v
                                                    where v.request_id = c.request_id))
                           when 'refund' then 'given back at the edge: its outcome is not charged'
                           when 'hold' then format('held by event %s of the register', seq)
                           when 'commit' then format('what it came to, by event %s of the register', seq)
                           when 'late' then 'what it came to, charged after its hold had run out'
                           when 'release' then 'released: its outcome is not charged'
                           when 'expired' then 'the hold ran out, and its credits returned'
                           when 'owed' then 'what it came to beyond what was held and there was'
                           when 'waived' then 'given up: there was not so much, and it is not owed'
                           else format('event %s of the register', seq) end as said
          from charge c
          where c.request_id = request
          union all
          select at, 2, 'unpaid', credits, units,
                 txn,
                 case when verdict = 'pass'
                      then case state when 'open' then 'owed: it came to more than could be charged'
                                      when 'charging' then 'owed; the wallet is asked to pay it'
                                      when 'charged' then 'owed, and paid by the wallet as request ' || taking
                                      else 'owed, and forgiven' end
                      when state = 'open' then 'passed without a decision, and is owed'
                      when state = 'counted' then 'passed without a decision; nothing is owed'
                      when state = 'unknown' then 'passed without a decision, by a key that nobody has'
                      when state = 'charging' then 'owed; the wallet is asked to pay it'
                      when state = 'charged' then 'owed, and paid by the wallet as request ' || taking
                      when state = 'forgiven' then 'owed, and forgiven'
                      else 'passed without a decision, but was charged' end
          from unpaid_use u
          where u.request_id = request
          union all
          select at, 3, 'void', 0, 0, null,
                 case when resolved_at is null then 'the reply was lost; a charge is being looked for'
                      else 'the reply was lost; it was not charged' end
          from void_request v
          where v.request_id = request and v.credits is null) entry;
$$;
comment on function api.request_ledger is 'What the ledger has of a request, in order: charges, what was given back, what is owed.';
