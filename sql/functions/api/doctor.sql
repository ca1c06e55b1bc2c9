create or replace function api.doctor(args jsonb) returns jsonb
language sql stable
set search_path = public, pg_temp
as $$
    select jsonb_build_object('ok', bool_and(ok), 'checks',
               jsonb_agg(jsonb_build_object('name', name, 'ok', ok, 'detail', detail,
                                            'hint', case when not ok then hint end)))
    from (select 'accounts' as name, count(*) filter (where state = 'frozen') = 0 as ok,
                 format('%s accounts, %s frozen', count(*), count(*) filter (where state = 'frozen')) as detail,
                 'tollgate ledger verify says what does not add up' as hint
          from account
          union all
          select 'commands', count(*) = 0,
                 format('%s commands wait longer than a minute for Redis', count(*)),
                 'see whether the role mirror is running and Redis can be reached'
          from command where applied_at is null and created_at < lib.now() - interval '1 minute'
          union all
          select 'postgres age', count(*) filter (where is_gap and caught_up_at is null) = 0,
                 case count(*) when 0 then 'it has all that was ever settled'
                               else format('%s streams are settled again, of %s events are gone',
                                           count(*) filter (where not is_gap or caught_up_at is not null),
                                           count(*) filter (where is_gap and caught_up_at is null)) end,
                 'it was restored from a backup that is too old; tollgate ledger catchup shows what is missing'
          from stream_behind where ended_at is null
          union all
          select 'wallets', coalesce(min(at) > lib.now() - interval '5 minutes', true),
                 format('%s are to be made again, %s were', count(*), (select count(*) from recovery where done_at is not null)),
                 'one waits for longer than 5 minutes: the role settle makes them again; see the worker''s log'
          from recovery where done_at is null
          union all
          select 'jobs', count(*) filter (where late) = 0,
                 coalesce('late: ' || string_agg(name, ', ') filter (where late), 'all jobs are in time'),
                 'tollgate jobs list shows how they went'
          from (select name, failures > 0 or due_at < lib.now() - least(every, interval '1 hour') as late
                from job) j
          union all
          select 'alerts', count(*) = 0, format('%s open alerts%s', count(*),
                     coalesce(': ' || string_agg(distinct kind, ', '), '')),
                 'look at the table alert, and close what is done'
          from alert where closed_at is null
          union all
          select 'proof', d.differ = 0 and not l.late,
                 format('%s accounts differ, %s could not be proved as they moved, the last whole round ended %s%s', d.differ,
                        p.unproved, coalesce(lib.time(p.ended_at), 'never'), case when l.late then ': too long ago' else '' end),
                 case when d.differ > 0 then 'tollgate ledger repair says what can be done'
                      else 'is the role proof running? see the worker''s log' end
          from proof p,
               lateral (select count(*) as differ from alert where kind = 'diverged' and closed_at is null) d,
               lateral (select coalesce(lib.now() - coalesce(p.ended_at, p.began_at) > p.every * 3 + interval '5 minutes',
                                        false) as late) l
          union all
          select 'audit', count(*) = 0, format('%s rows of the audit log break its chain', count(*)),
                 'somebody changed the audit log; tollgate audit verify looks at all of it'
          from lib.audit_breaks((select greatest(max(id) - 20000, 0) from audit_log))
          union all
          select 'seals', count(*) = 0,
                 format('%s transactions of the ledger wait longer than 10 minutes to be sealed', count(*)),
                 'does a transaction stay open, or fails the job ledger.seal? see tollgate jobs list'
          from (select from ledger_txn
                where id > coalesce((select max(last_txn) from ledger_seal), 0)
                  and recorded_at < clock_timestamp() - interval '10 minutes'
                limit 1000) t) checks;
$$;
comment on function api.doctor is 'What Postgres knows of the health of the installation.';
