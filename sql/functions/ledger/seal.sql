create or replace function ledger.seal(patience interval default '5 seconds', most int default 200)
    returns timestamptz
language plpgsql
set search_path = public, pg_temp
as $$
declare
    cut timestamptz;
    newest bigint;
    writers text[];
    last ledger_seal;
    fresh ledger_seal;
begin
    -- each statement below has to see what was committed until then
    if current_setting('transaction_isolation') <> 'read committed' then
        raise exception 'the ledger is sealed in read committed transactions only';
    end if;
    perform pg_advisory_xact_lock(hashtext('tollgate.ledger_seal'));

    -- Ids are taken before they are committed. Who took one up to here has had its lock on the table since
    -- before that, so the wait is for those who hold one now; nobody is kept from writing on meanwhile.
    cut := clock_timestamp();
    newest := coalesce(pg_sequence_last_value('ledger_txn_id_seq'), 0);
    writers := array(select l.virtualtransaction from ledger.seal_writers() l);
    while exists (select from ledger.seal_writers() l where l.virtualtransaction = any (writers)) loop
        if clock_timestamp() >= cut + patience then
            return null;
        end if;
        perform pg_sleep(0.01);
    end loop;

    select * into last from ledger_seal order by no desc limit 1;
    for turn in 1 .. most loop
        fresh := ledger.seal_of(coalesce(last.no, 0) + 1, last.last_txn,
                                (select max(id) from (select t.id from ledger_txn t
                                                      where t.id > coalesce(last.last_txn, -9223372036854775808) and t.id <= newest
                                                      order by t.id limit 5000) ahead),
                                coalesce(last.hash, ''));
        if fresh is null then
            return cut;
        end if;

        insert into ledger_seal select fresh.*;
        perform ledger.seal_tally(last.last_txn, fresh.last_txn);
        last := fresh;
    end loop;

    return null;
end $$;
comment on function ledger.seal is 'Seals what the ledger got since the last seal; the time before which all that was recorded is sealed now, null where there is more or writers took longer than patience to end.';
