/*
 * api_catchup.c: lets streams catch up of which events are gone that Postgres
 * has not settled.
 *
 * What each account lacks is known from the wallets and from the first of its
 * events that is still there.  A look does all of it too, and rolls it back.
 * Each stream is one transaction, so that dying half-way through does no harm.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api.h"
#include "behind.h"
#include "event.h"
#include "key_names.h"
#include "log.h"
#include "loop.h"
#include "rds.h"
#include "role.h"
#include "rows.h"


#define CATCHUP_PAGE      1000
#define CATCHUP_NAME_MAX  160

struct catchup {
    pg_t         *pg;
    rds_t        *rds;
    struct rows   rows;
    const char   *args;         /* of the call, for the audit */
    bool          applies;
    json_t       *streams;
    json_t       *data;
};

static const char *const catchup_fields[] = { "epoch", "seq", "avail", "held",
                                              "cmd" };

#define CATCHUP_FIELDS  (sizeof(catchup_fields) / sizeof(catchup_fields[0]))
#define CATCHUP_COLUMNS  "account, epoch, seq, avail, held, cmd"


/* --- wallets ------------------------------------------------------------- */


/* A wallet that is missing, or whose numbers are none, has no row. */
static void
catchup_wallet(struct rows *rows, const char *account,
    const rds_reply_t *fields)
{
    char    *end;
    size_t   mark = rows->len;

    rows_text(rows, account, strlen(account));
    for (size_t i = 0; i < CATCHUP_FIELDS; i++) {
        const char  *text = rds_text(rds_at(fields, i));
        long long    number = text != NULL ? strtoll(text, &end, 10) : -1;

        if (number < 0 || *end != '\0') {
            rows_cut(rows, mark);
            return;
        }
        rows_int(rows, number);
    }
    rows_end(rows);
}


static bool
catchup_read_wallets(struct catchup *catchup, unsigned shard,
    const pg_result_t *accounts)
{
    char         wallet[CATCHUP_NAME_MAX];
    const char  *argv[2 + CATCHUP_FIELDS] = { "HMGET", wallet };

    memcpy(argv + 2, catchup_fields, sizeof(catchup_fields));
    for (int row = 0; row < pg_rows(accounts); row++) {
        snprintf(wallet, sizeof(wallet), TG_KEY_WALLET_FMT, shard,
                 pg_value(accounts, row, 0));
        if (!rds_append(catchup->rds, 2 + CATCHUP_FIELDS, argv)) {
            return false;
        }
    }

    rows_cut(&catchup->rows, 0);
    for (int row = 0; row < pg_rows(accounts); row++) {
        RDS_REPLY fields = rds_next(catchup->rds);

        if (fields == NULL) {
            return false;
        }
        catchup_wallet(&catchup->rows, pg_value(accounts, row, 0), fields);
    }

    return catchup->rows.len == 0
           || pg_copy(catchup->pg, "catchup_wallet", CATCHUP_COLUMNS,
                      catchup->rows.text, catchup->rows.len);
}


static bool
catchup_wallets(struct catchup *catchup, unsigned shard)
{
    int          rows;
    char         number[16], after[32] = "", max[16];
    const char  *params[] = { number, after, max };

    snprintf(number, sizeof(number), "%u", shard);
    snprintf(max, sizeof(max), "%d", CATCHUP_PAGE);

    do {
        PG_RESULT accounts = pg_call(catchup->pg, "ledger.catchup_accounts",
                                     3, params);

        rows = accounts != NULL ? pg_rows(accounts) : -1;
        if (rows == -1 || !catchup_read_wallets(catchup, shard, accounts)) {
            return false;
        }
        if (rows > 0) {
            snprintf(after, sizeof(after), "%s",
                     pg_value(accounts, rows - 1, 0));
        }
    } while (rows == CATCHUP_PAGE && !loop_stopping());

    return !loop_stopping();
}


/* --- events -------------------------------------------------------------- */


/* Settle will find what is malformed; here it is left out. */
static bool
catchup_take(struct catchup *catchup, const char *stream,
    const rds_reply_t *entries)
{
    rows_cut(&catchup->rows, 0);
    for (size_t i = 0; i < rds_len(entries); i++) {
        const char  *wrong = event_rows(&catchup->rows, stream,
                                        rds_at(entries, i));

        if (wrong != NULL) {
            log_warn("entry %s of %s is malformed: %s",
                     rds_text(rds_at(rds_at(entries, i), 0)), stream, wrong);
        }
    }

    return catchup->rows.len == 0
           || (pg_copy(catchup->pg, "settle_event", event_columns,
                       catchup->rows.text, catchup->rows.len)
               && pg_do(catchup->pg, "ledger.catchup_take", 0, NULL));
}


static bool
catchup_events(struct catchup *catchup, const char *stream,
    const char *trimmed)
{
    size_t       n;
    char         after[BEHIND_ID_MAX + 1], count[16];
    const char  *last, *argv[] = { "XRANGE", stream, after, "+", "COUNT",
                                   count };

    snprintf(count, sizeof(count), "%d", CATCHUP_PAGE);
    snprintf(after, sizeof(after), "(%s", trimmed);

    do {
        RDS_REPLY entries = rds_command(catchup->rds, 6, argv);

        n = rds_len(entries);
        if (entries == NULL || !catchup_take(catchup, stream, entries)) {
            return false;
        }
        last = n > 0 ? rds_text(rds_at(rds_at(entries, n - 1), 0)) : NULL;
        if (last != NULL) {
            snprintf(after, sizeof(after), "(%s", last);
        }
    } while (n == CATCHUP_PAGE && last != NULL && !loop_stopping());

    return !loop_stopping();
}


/* --- streams ------------------------------------------------------------- */


/*
 * The wallets are read first: an account that has no event behind the gap then
 * has none since its wallet was read, for nobody trims this stream.
 */
static bool
catchup_stream(struct catchup *catchup, unsigned shard, const char *stream,
    const char *trimmed)
{
    size_t       i;
    char         number[16];
    json_t      *summary, *account;
    const char  *params[] = { stream, number, trimmed, catchup->args };

    snprintf(number, sizeof(number), "%u", shard);
    if (!pg_begin(catchup->pg)
        || !pg_do(catchup->pg, "ledger.catchup_begin", 0, NULL)
        || !catchup_wallets(catchup, shard)
        || !catchup_events(catchup, stream, trimmed))
    {
        return false;
    }

    PG_RESULT result = pg_call(catchup->pg, "ledger.catchup_post", 4, params);

    if (result == NULL) {
        return false;
    }
    if (pg_value(result, 0, 0) != NULL) {
        summary = json_loads(pg_value(result, 0, 0), 0, NULL);
        json_array_foreach(json_object_get(summary, "data"), i, account) {
            json_array_append(catchup->data, account);
        }
        json_object_del(summary, "data");
        json_array_append_new(catchup->streams, summary);
    }

    if (!catchup->applies) {
        pg_rollback(catchup->pg);
        return true;
    }

    return pg_commit(catchup->pg);
}


/* All streams, of which few or none are behind. */
static bool
catchup_streams(struct catchup *catchup, unsigned shards)
{
    char                 stream[CATCHUP_NAME_MAX], store[CATCHUP_NAME_MAX];
    const char          *params[] = { stream };
    struct behind_marks  marks;

    for (unsigned shard = 0; shard < shards; shard++) {
        snprintf(stream, sizeof(stream), TG_KEY_LEDGER_FMT, shard);
        snprintf(store, sizeof(store), TG_KEY_STORE_FMT, shard);

        if (!behind_ask(catchup->rds, store)
            || !behind_read(catchup->rds, &marks))
        {
            return false;
        }
        PG_RESULT cursor = pg_call(catchup->pg, "ledger.cursor", 1, params);

        if (cursor == NULL
            || (behind_compare(pg_value(cursor, 0, 0), marks.trimmed) < 0
                && !catchup_stream(catchup, shard, stream, marks.trimmed)))
        {
            return false;
        }
    }

    return true;
}


static bool
catchup_run(struct catchup *catchup)
{
    const char  *params[] = { "shards" };

    if (!pg_ready(catchup->pg) || !rds_ready(catchup->rds)
        || !behind_look(catchup->pg, catchup->rds))
    {
        return false;
    }

    PG_RESULT setting = pg_call(catchup->pg, "lib.setting", 1, params);

    return setting != NULL && pg_value(setting, 0, 0) != NULL
           && catchup_streams(catchup,
                              (unsigned) atoi(pg_value(setting, 0, 0)));
}


void
api_catchup(const struct conf *conf, pg_t *pg, const json_t *args,
    struct api_answer *answer)
{
    bool             ok;
    char            *text = json_dumps(args, JSON_COMPACT);
    struct catchup   catchup = { .args = text, .streams = json_array(),
        .data = json_array(), .rds = rds_new(conf),
        .applies = json_is_true(json_object_get(args, "yes")) };

    (void) pg;    /* a stream may take longer than other calls may */
    catchup.pg = pg_new(conf->postgres_dsn, "catchup", ROLE_POSTGRES, 0);
    ok = catchup_run(&catchup);

    if (ok) {
        api_reply(answer, 200,
                  json_pack("{s:b, s:O, s:O}", "applied", catchup.applies,
                            "streams", catchup.streams,
                            "data", catchup.data));
    } else if (rds_error(catchup.rds)[0] != '\0') {
        log_error("catchup failed: %s", rds_error(catchup.rds));
        api_problem(answer, 503, "store_unreachable",
                    "redis can't be reached", NULL);
    } else {
        api_problem_of_pg(answer, catchup.pg, "catchup");
    }

    pg_rollback(catchup.pg);
    pg_free(catchup.pg);
    rds_free(catchup.rds);
    rows_free(&catchup.rows);
    json_decref(catchup.streams);
    json_decref(catchup.data);
    free(text);
}
