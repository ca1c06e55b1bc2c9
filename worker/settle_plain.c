/* settle_plain.c: posts what fold.c summed up, in the transaction of a batch. */

#include <stdlib.h>

#include "settle.h"


bool
settle_copy(struct settle *settle, const char *table, const char *columns,
    const struct rows *rows)
{
    return rows->len == 0
           || pg_copy(settle->pg, table, columns, rows->text, rows->len);
}


/*
 * The answer has a row for each account that was posted, with its transaction
 * where it has one; or, and then nothing was posted, for each that can't be.
 */
enum settle_plain
settle_plain(struct settle *settle, const struct settle_stream *stream,
    const char *to)
{
    bool          unfit = false;
    char         *folds = fold_text(&settle->fold);
    struct fold  *fold = &settle->fold;
    const char   *params[] = { stream->name, stream->cursor, to, folds,
                               settle->rows.len > 0 ? "true" : "false" };

    PG_RESULT result = pg_call(settle->pg, "ledger.settle_plain", 5, params);

    free(folds);
    if (result == NULL) {
        return SETTLE_PLAIN_FAILED;
    }

    for (int i = 0; i < pg_rows(result); i++) {
        const char  *account = pg_value(result, i, 0);
        const char  *txn = pg_value(result, i, 1);

        if (pg_value(result, i, 2)[0] == 'f') {
            fold_long_way(fold, account, EVENT_ACCOUNT_LEN);
            unfit = true;
        } else if (txn != NULL) {
            fold_set_txn(fold, account, atoll(txn));
        }
    }
    if (unfit) {
        return SETTLE_PLAIN_AGAIN;
    }

    return settle_copy(settle, "charge", fold_detail_columns,
                       fold_details(fold))
           ? SETTLE_PLAIN_DONE : SETTLE_PLAIN_FAILED;
}
