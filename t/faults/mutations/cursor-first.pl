# The cursor of a stream is moved in a transaction of its own, ahead of the batch
# in sql/functions/ledger/settle_ledger.sql
s/    perform ledger.cursor_move\(stream, from_id, to_id\);\n//
# in sql/functions/ledger/settle_usage.sql
s/    perform ledger.cursor_move\(stream, from_id, to_id\);\n//
# in worker/settle.c
s/    if \(pg_begin\(pg\)\n/
    if (!pg_begin(pg)) {
        return SETTLE_FAILED;
    }
    PG_RESULT moved = pg_call(pg, "ledger.cursor_move", 3, params);
    if (moved == NULL || !pg_commit(pg)) {
        pg_rollback(pg);
        return SETTLE_FAILED;
    }
    if (pg_begin(pg)\n/
