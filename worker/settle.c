/*
 * settle.c: posts what the streams hold to the ledger, exactly once.
 *
 * The rows of a batch and the stream's cursor are one transaction; what was
 * committed is trimmed.  Whatever fails, the cursor in Postgres tells where
 * to go on.
 */

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "event.h"
#include "log.h"
#include "loop.h"
#include "role.h"
#include "settle.h"


/* What differs between ledger and usage streams. */
static const struct {
    const char  *table;
    const char  *function;
    int          params;
} settle_kinds[] = {
    [SETTLE_LEDGER] = { "settle_event", "ledger.settle_ledger", 3 },
    [SETTLE_USAGE]  = { "settle_usage", "ledger.settle_usage", 4 },
};

static bool settle_turn(struct settle *settle);


void
settle_run(const struct conf *conf)
{
    int            backoff = 0;
    struct settle  settle = { .conf = conf };

    settle.pg = pg_new(conf->postgres_dsn, "settle", ROLE_POSTGRES,
                       conf->postgres_timeout);
    settle.rds = rds_new(conf);

    while (!loop_stopping()) {
        role_beat(ROLE_SETTLE);

        if (settle_attach(&settle) && settle_claim(&settle)
            && settle_expire(&settle) && settle_trim_kept(&settle)
            && settle_turn(&settle))
        {
            backoff = 0;
            continue;
        }

        settle_detach(&settle);
        loop_backoff(&backoff, ROLE_BACKOFF_MS);
    }

    settle_detach(&settle);
    pg_free(settle.pg);
    rds_free(settle.rds);
    rows_free(&settle.rows);
    free(settle.sources.list);
}


/* Tells of accounts that the ledger froze because their register broke. */
static void
settle_report(const struct settle_stream *stream, const char *text)
{
    size_t   i;
    json_t  *summary, *account;

    log_debug("settled %s to %s: %s", stream->name, stream->cursor, text);

    summary = json_loads(text, 0, NULL);
    json_array_foreach(json_object_get(summary, "frozen"), i, account) {
        log_error("account %s is frozen: its register is broken",
                  json_string_value(account));
        log_hint("compare it with tollgate ledger verify");
    }
    json_decref(summary);
}


enum settle_outcome { SETTLE_POSTED, SETTLE_UNPOSTABLE, SETTLE_TOO_SLOW,
                      SETTLE_FAILED };

/* SQLSTATEs, or classes of them, that say something about a batch. */
static const struct {
    const char           *state;
    enum settle_outcome   outcome;
} settle_states[] = {
    { "22", SETTLE_UNPOSTABLE },
    { "23", SETTLE_UNPOSTABLE },
    { "57014", SETTLE_TOO_SLOW },
};


/* What the rows of a batch need to be posted, as one transaction. */
static enum settle_outcome
settle_commit(struct settle *settle, struct settle_stream *stream,
    const char *to, int64_t rejected)
{
    char         count[32];
    const char  *params[] = { stream->name, stream->cursor, to, count };
    const char  *columns = stream->kind == SETTLE_LEDGER ? event_columns
                                                         : usage_columns;
    pg_t        *pg = settle->pg;

    snprintf(count, sizeof(count), "%lld", (long long) rejected);

    if (pg_begin(pg)
        && (settle->rows.len == 0
            || pg_copy(pg, settle_kinds[stream->kind].table, columns,
                       settle->rows.text, settle->rows.len)))
    {
        PG_RESULT result = pg_call(pg, settle_kinds[stream->kind].function,
                                   settle_kinds[stream->kind].params, params);

        if (result != NULL && settle_source_post(settle) && pg_commit(pg)) {
            settle_source_done(settle);
            snprintf(stream->cursor, sizeof(stream->cursor), "%s", to);
            settle_report(stream, pg_value(result, 0, 0));
            return SETTLE_POSTED;
        }
    }

    pg_rollback(pg);
    log_error("settle %s from %s to %s failed: %s", stream->name,
              stream->cursor, to, pg_error(pg)->message);
    log_hint("it is tried again, and nothing is lost");

    for (size_t i = 0; i < sizeof(settle_states) / sizeof(settle_states[0]);
         i++)
    {
        if (strncmp(pg_error(pg)->state, settle_states[i].state,
                    strlen(settle_states[i].state)) == 0)
        {
            return settle_states[i].outcome;
        }
    }

    return SETTLE_FAILED;
}


/* Fills settle->rows; entries that are malformed freeze their account. */
static int64_t
settle_fill(struct settle *settle, const struct settle_stream *stream,
    const rds_reply_t *entries, size_t from, size_t n, bool unpostable)
{
    int64_t  rejected = 0;

    rows_cut(&settle->rows, 0);
    settle_source_begin(settle);

    for (size_t i = from; i < from + n; i++) {
        const char         *wrong = "the ledger can't take it";
        const rds_reply_t  *entry = rds_at(entries, i);

        if (stream->kind == SETTLE_USAGE) {
            if (!settle_source_take(settle, entry)) {
                continue;
            }
            if (unpostable) {
                rejected++;
            } else {
                usage_rows(&settle->rows, entry, &rejected);
            }
            continue;
        }

        if (!unpostable) {
            wrong = event_rows(&settle->rows, stream->name, entry);
        }
        if (wrong != NULL) {
            log_error("entry %s of %s is malformed: %s%s",
                      rds_text(rds_at(entry, 0)), stream->name, wrong,
                      event_malformed(&settle->rows, stream->name, entry)
                      ? "" : "; it names no account");
            log_hint("it is kept in suspense_event; tollgate ledger verify "
                     "shows what is missing");
        }
    }

    if (rejected > 0) {
        log_warn("%lld usage records of %s are malformed",
                 (long long) rejected, stream->name);
        log_hint("is nginx's module newer than the worker? upgrade the worker");
    }

    return rejected;
}


/*
 * Posts n entries; after a failure the cursor has to be read again, which
 * goes for "cursor_moved" too.  A batch that Postgres refuses for what it
 * holds is halved until the entry stands alone, so one account can't stop
 * the others; and so is one that takes too long.
 */
static bool
settle_post(struct settle *settle, struct settle_stream *stream,
    const rds_reply_t *entries, size_t from, size_t n, bool unpostable)
{
    char                 before[SETTLE_ID_MAX];
    int64_t              rejected;
    enum settle_outcome  outcome;
    const char          *to;

    to = rds_text(rds_at(rds_at(entries, from + n - 1), 0));
    if (to == NULL) {
        log_error("redis answered nonsense for %s", stream->name);
        return false;
    }

    rejected = settle_fill(settle, stream, entries, from, n, unpostable);
    memcpy(before, stream->cursor, sizeof(before));

    outcome = settle_commit(settle, stream, to, rejected);

    switch (outcome) {
    case SETTLE_POSTED:
        return settle_trim(settle, stream, before, n);

    case SETTLE_UNPOSTABLE:
    case SETTLE_TOO_SLOW:
        if (n == 1) {
            return outcome == SETTLE_UNPOSTABLE && !unpostable
                   && settle_post(settle, stream, entries, from, 1, true);
        }
        return settle_post(settle, stream, entries, from, n / 2, false)
               && settle_post(settle, stream, entries, from + n / 2,
                              n - n / 2, false);

    default:
        return false;
    }
}


/*
 * Reads all streams that this process settles, each by a command of its own since
 * each may be on another server.  The caller clears the replies; NULL is that
 * of a stream which can't be read now, and hinders no other.
 */
static bool
settle_read(struct settle *settle, rds_reply_t **replies)
{
    bool         failed = false;
    char         batch[32];
    const char  *argv[] = { "XREAD", "COUNT", batch, "STREAMS", NULL, NULL };

    snprintf(batch, sizeof(batch), "%lld",
             (long long) settle->conf->settle_batch);

    for (int i = 0; i < settle->count; i++) {
        if (settle->streams[i].behind) {
            continue;
        }
        argv[4] = settle->streams[i].name;
        argv[5] = settle->streams[i].cursor;
        if (!rds_append(settle->rds, 6, argv)) {
            return settle_redis_failed(settle, "read the streams");
        }
    }

    for (int i = 0; i < settle->count; i++) {
        if (settle->streams[i].behind) {
            continue;
        }
        replies[i] = rds_next(settle->rds);
        if (replies[i] == NULL && !failed) {
            failed = true;
            if (!settle->complained || !rds_connected(settle->rds)) {
                settle_redis_failed(settle, "read the streams");
            }
        }
    }
    settle->complained = failed;

    return rds_connected(settle->rds);
}


/* Posts what was read; finds out whether it was anything. */
static bool
settle_post_all(struct settle *settle, rds_reply_t *const *replies, bool *any)
{
    const rds_reply_t  *entries;

    for (int i = 0; i < settle->count && !loop_stopping(); i++) {
        if (rds_len(replies[i]) == 0) {
            continue;
        }

        entries = rds_at(rds_at(replies[i], 0), 1);
        if (rds_len(entries) == 0) {
            log_error("redis answered nonsense to XREAD");
            return false;
        }
        if (!settle_post(settle, &settle->streams[i], entries, 0,
                         rds_len(entries), false))
        {
            return false;
        }
        *any = true;
        role_beat(ROLE_SETTLE);
    }

    return true;
}


static bool
settle_turn(struct settle *settle)
{
    bool          ok, any = false;
    rds_reply_t **replies;

    replies = calloc((size_t) settle->count + 1, sizeof(*replies));
    if (replies == NULL) {
        die("out of memory");
    }

    ok = settle_read(settle, replies)
         && settle_post_all(settle, replies, &any);

    for (int i = 0; i < settle->count; i++) {
        rds_clear(replies[i]);
    }
    free(replies);

    if (ok && !any) {
        loop_wait(-1, 0, settle->conf->settle_idle_ms);
    }

    return ok;
}
