create or replace function api.statement_issue(args jsonb) returns jsonb
language plpgsql
set search_path = public, pg_temp
as $$
declare
    longest constant int := 100000;
    target account := api.account_find(args);
    fresh statement;
    same statement;
    cut timestamptz;
begin
    fresh.from_at := lib.arg_time(args, 'from');
    fresh.to_at := lib.arg_time(args, 'to');
    if fresh.from_at is null or fresh.to_at is null then
        perform lib.invalid(case when fresh.from_at is null then 'from' else 'to' end, 'a time as 2027-01-31T00:00:00Z');
    end if;
    if fresh.to_at <= fresh.from_at then
        perform lib.invalid('to', 'later than "from"');
    end if;

    -- What is sealed has no writer any more who could still record something of that time. Sealing waits for
    -- writers, so it comes ahead of the lock that they may wait for.
    cut := ledger.seal('2 seconds', 5);
    if cut is null or fresh.to_at > cut then
        perform lib.refuse(409, 'period_open', 'a statement is issued when its period is over and sealed, '
                                               'within a minute or so');
    end if;
    perform 1 from account_cursor c where c.account = target.id for update;

    -- the same again is the same statement
    select * into same from statement s
    where s.account = target.id and s.from_at = fresh.from_at and s.to_at = fresh.to_at;
    if found then
        return api.statement_json(same);
    end if;

    fresh.id := 'st_' || lib.random_base62(16);
    fresh.account := target.id;
    fresh.no := coalesce((select max(s.no) from statement s where s.account = target.id), 0) + 1;
    fresh.last_txn := least(ledger.bound(target.id, fresh.to_at),
                            (select coalesce(max(t.id), 0) from ledger_txn t
                             where t.account = target.id and t.id <= (select max(s.last_txn) from ledger_seal s)));
    fresh.after_txn := least(ledger.bound(target.id, fresh.from_at), fresh.last_txn);
    if (select count(*) from (select from ledger_txn t
                              where t.account = target.id and t.id > fresh.after_txn and t.id <= fresh.last_txn
                              limit longest + 1) own) > longest then
        perform lib.refuse(422, 'period_too_long', format('a statement has at most %s movements; issue it in parts', longest));
    end if;
    fresh.opening := ledger.balance_at(target.id, fresh.after_txn);
    fresh.closing := ledger.balance_at(target.id, fresh.last_txn);
    select h.movements, h.hash into fresh.movements, fresh.hash
    from ledger.statement_hash(target.id, fresh.after_txn, fresh.last_txn) h;
    select s.no, s.hash into fresh.seal, fresh.seal_hash from ledger_seal s order by s.no desc limit 1;
    fresh.seal_hash := coalesce(fresh.seal_hash, '');
    fresh.issued_at := lib.now();
    fresh.issued_by := coalesce(args ->> '_actor', 'sql:' || session_user);
    insert into statement select fresh.*;
    perform lib.audit(args, 'statement.issue', fresh.id, api.statement_json(fresh));

    return api.statement_json(fresh);
end $$;
comment on function api.statement_issue is 'Issues a statement of a period that is over: the next number of its account, the same lines for ever.';
