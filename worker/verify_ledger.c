/* verify_ledger.c: what the ledger knows of wallets, for the proof. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "key_names.h"
#include "log.h"
#include "verify.h"


static int64_t
verify_column(const pg_result_t *result, int row, int column)
{
    const char  *value = pg_value(result, row, column);

    return value != NULL ? strtoll(value, NULL, 10) : 0;
}


bool
verify_ready(struct verify *verify)
{
    const char  *params[] = { "shards" };

    if (verify->shards > 0) {
        return pg_ready(verify->pg);
    }

    PG_RESULT result = pg_ready(verify->pg)
                       ? pg_call(verify->pg, "lib.setting", 1, params) : NULL;

    verify->shards = result != NULL ? (long) verify_column(result, 0, 0) : 0;

    return verify->shards > 0;
}


int
verify_next(struct verify *verify, unsigned shard, const char *after,
    struct verify_account *accounts, int room)
{
    int          count;
    char         text[2][16];
    const char  *params[] = { text[0], after, text[1] };

    snprintf(text[0], sizeof(text[0]), "%u", shard);
    snprintf(text[1], sizeof(text[1]), "%d", room);
    PG_RESULT result = pg_call(verify->pg, "ledger.verify_page", 3, params);

    if (result == NULL) {
        return -1;
    }

    count = pg_rows(result);
    for (int i = 0; i < count; i++) {
        accounts[i] = (struct verify_account) {
            .shard = (unsigned) verify_column(result, i, 0)
        };
        snprintf(accounts[i].id, sizeof(accounts[i].id), "%s",
                 pg_value(result, i, 1));
    }

    return count;
}


bool
verify_read_cursor(struct verify *verify, unsigned shard, char *cursor,
    size_t size)
{
    char         stream[64];
    const char  *params[] = { stream };

    snprintf(stream, sizeof(stream), TG_KEY_LEDGER_FMT, shard);
    PG_RESULT result = pg_call(verify->pg, "ledger.cursor", 1, params);

    if (result == NULL || pg_value(result, 0, 0) == NULL) {
        return false;
    }
    snprintf(cursor, size, "%s", pg_value(result, 0, 0));

    return true;
}


/*
 * Of commands "number:delta:pockets ...", the sum of those after the wallet's
 * last; a delta that goes to no pocket with a name has none.
 */
static int64_t
verify_unapplied(struct verify_account *account, const char *commands)
{
    char     *rest;
    int64_t   no, delta, sum = 0;

    while (commands != NULL && *commands != '\0') {
        no = strtoll(commands, &rest, 10);
        if (*rest != ':') {
            break;
        }
        delta = strtoll(rest + 1, &rest, 10);
        if (no > account->wallet.cmd) {
            sum += delta;
            if (*rest == ':') {
                verify_pockets_unapplied(account, rest + 1, delta);
            }
        }
        commands = strchr(rest, ' ');
        commands = commands != NULL ? commands + 1 : NULL;
    }

    return sum;
}


static void
verify_take_side(struct verify_account *account, const pg_result_t *result,
    int row)
{
    account->busy = pg_value(result, row, 7)[0] == 't';
    account->side = (struct verify_side) {
        .epoch = verify_column(result, row, 1),
        .last_seq = verify_column(result, row, 2),
        .avail = verify_column(result, row, 3),
        .held = verify_column(result, row, 4),
        .balance = verify_column(result, row, 5),
        .unapplied = verify_unapplied(account, pg_value(result, row, 6)),
    };
    verify_pockets_ledger(account, pg_value(result, row, 8));
}


char *
verify_ids(const struct verify_account *accounts, int count)
{
    char    *text = malloc((size_t) count * (VERIFY_ACCOUNT_LEN + 1) + 3);
    size_t   len = 1;

    if (text == NULL) {
        die("out of memory");
    }

    text[0] = '{';
    for (int i = 0; i < count; i++) {
        if (accounts[i].state == VERIFY_OPEN) {
            len += (size_t) sprintf(text + len, "%s%s", len > 1 ? "," : "",
                                    accounts[i].id);
        }
    }
    memcpy(text + len, "}", 2);

    return text;
}


/* Rows come in the order in which they were asked for. */
bool
verify_read_sides(struct verify *verify, struct verify_account *accounts,
    int count)
{
    int          row = 0;
    char        *ids = verify_ids(accounts, count);
    const char  *params[] = { ids };
    PG_RESULT result = pg_call(verify->pg, "ledger.verify_sides", 1, params);

    free(ids);
    if (result == NULL) {
        return false;
    }

    for (int i = 0; i < count; i++) {
        if (accounts[i].state != VERIFY_OPEN) {
            continue;
        }
        if (row == pg_rows(result)
            || strcmp(pg_value(result, row, 0), accounts[i].id) != 0)
        {
            log_error("the ledger has no account %s", accounts[i].id);
            return false;
        }
        verify_take_side(&accounts[i], result, row++);
    }

    return true;
}
