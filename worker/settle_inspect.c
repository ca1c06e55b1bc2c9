/*
 * settle_inspect.c: looks through the store of a shard that may have lost data.
 *
 * What its stream holds is settled, all wallets are compared with the ledger,
 * and those that differ are made again.  Then the store gets an id, without
 * which it gets no plans.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "event.h"
#include "key_names.h"
#include "log.h"
#include "loop.h"
#include "role.h"
#include "settle.h"


#define INSPECT_PAGE  "5000"   /* accounts, or entries of a stream, at a time */


/*
 * Entries whose ids are those of settled ones: either they are settled, and
 * were not removed, or a master whose clock is behind wrote them.
 */
static bool
inspect_behind(struct settle *settle, struct settle_stream *stream)
{
    size_t       n;
    char         from[SETTLE_ID_MAX + 1] = "-";
    const char  *argv[] = { "XRANGE", stream->name, from, stream->cursor,
                            "COUNT", INSPECT_PAGE };
    const char  *params[] = { stream->name };

    do {
        RDS_REPLY page = rds_command(settle->rds, 6, argv);

        if (page == NULL) {
            return settle_redis_failed(settle, "read what is behind");
        }

        n = rds_len(page);
        rows_cut(&settle->rows, 0);
        for (size_t i = 0; i < n; i++) {
            /* Those that are malformed were found to be when they were read. */
            (void) event_rows(&settle->rows, stream->name, rds_at(page, i));
            snprintf(from, sizeof(from), "(%.*s", SETTLE_ID_MAX - 1,
                     rds_text(rds_at(rds_at(page, i), 0)));
        }
        role_beat(ROLE_SETTLE);

        if (settle->rows.len > 0
            && !(pg_begin(settle->pg)
                 && pg_copy(settle->pg, "settle_event", event_columns,
                            settle->rows.text, settle->rows.len)
                 && pg_do(settle->pg, "ledger.recover_behind", 1, params)
                 && pg_commit(settle->pg)))
        {
            settle_failed(settle, "keep what is behind");
            pg_rollback(settle->pg);
            return false;
        }

    } while (n == strtoull(INSPECT_PAGE, NULL, 10));

    return true;
}


/* Has the stream go on behind the cursor. */
static bool
inspect_advance(struct settle *settle, const struct settle_stream *stream)
{
    if (!settle_store_ask(settle->rds, stream, stream->cursor)) {
        return false;
    }
    RDS_REPLY reply = rds_next(settle->rds);

    return reply != NULL
           || settle_redis_failed(settle, "have a stream go on");
}


/* Adds a wallet as it is to the rows of recover_seen. */
static void
inspect_seen(struct rows *rows, const char *account, const rds_reply_t *fields,
    const char *applied)
{
    int64_t       number;
    struct token  token;

    rows_text(rows, account, strlen(account));
    for (size_t i = 0; i < SETTLE_SEEN_FIELDS; i++) {
        token = (struct token) { rds_text(rds_at(fields, i)),
                                 rds_len(rds_at(fields, i)) };
        if (token.text != NULL && token_int(token, 0, &number)) {
            rows_int(rows, number);
        } else {
            rows_null(rows);
        }
    }
    if (applied != NULL) {
        rows_text(rows, applied, strlen(applied));
    } else {
        rows_null(rows);
    }
    rows_null(rows);
    rows_end(rows);
}


/* Reads a page of wallets into settle->rows. */
static bool
inspect_read_page(struct settle *settle, const struct settle_stream *stream,
    const pg_result_t *accounts)
{
    char         wallet[SETTLE_NAME_MAX];
    const char  *argv[] = { "HMGET", wallet, "epoch", "seq", "avail", "held",
                            "cmd" };

    for (int row = 0; row < pg_rows(accounts); row++) {
        snprintf(wallet, sizeof(wallet), TG_KEY_WALLET_FMT,
                 (unsigned) stream->shard, pg_value(accounts, row, 0));
        if (!rds_append(settle->rds, 7, argv)) {
            return settle_redis_failed(settle, "read wallets");
        }
    }

    rows_cut(&settle->rows, 0);
    for (int row = 0; row < pg_rows(accounts); row++) {
        RDS_REPLY fields = rds_next(settle->rds);

        if (fields == NULL) {
            settle_redis_failed(settle, "read a wallet");
            /* Where something else stands the mirror finds it. */
            if (strncmp(rds_error(settle->rds), "WRONGTYPE", 9) == 0) {
                continue;
            }
            return false;
        }
        inspect_seen(&settle->rows, pg_value(accounts, row, 0), fields,
                   pg_value(accounts, row, 1));
    }

    return true;
}


/* Adds the lines of rows that are those of the accounts. */
static void
inspect_keep(const struct rows *rows, const pg_result_t *accounts,
    struct rows *kept)
{
    const char  *account, *line, *next, *end = rows->text + rows->len;

    for (int row = 0; row < pg_rows(accounts); row++) {
        account = pg_value(accounts, row, 0);
        for (line = rows->text; line < end; line = next) {
            next = memchr(line, '\n', (size_t) (end - line));
            next = next != NULL ? next + 1 : end;
            if (strncmp(line, account, strlen(account)) == 0) {
                rows_raw(kept, line, (size_t) (next - line));
            }
        }
    }
}


/* Has the wallets in rows judged; adds those to wait for to later, or NULL. */
static bool
inspect_judge(struct settle *settle, const struct rows *rows,
    const char *reason, struct rows *later)
{
    const char  *params[] = { reason, later == NULL ? "true" : "false" };

    if (rows->len == 0) {
        return true;
    }

    if (pg_begin(settle->pg)
        && pg_copy(settle->pg, "recover_seen", settle_seen_columns,
                   rows->text, rows->len))
    {
        PG_RESULT waiting = pg_call(settle->pg, "ledger.recover_judge", 2,
                                    params);

        if (waiting != NULL && pg_commit(settle->pg)) {
            if (later != NULL) {
                inspect_keep(rows, waiting, later);
            }
            return true;
        }
    }

    settle_failed(settle, "judge wallets");
    pg_rollback(settle->pg);

    return false;
}


/* Compares all wallets of a shard with the ledger. */
static bool
inspect_compare(struct settle *settle, struct settle_stream *stream,
    const char *reason)
{
    bool         ok = true, more = true;
    char         shard[16], after[32] = "";
    const char  *params[] = { shard, after, INSPECT_PAGE };
    struct rows  later = { 0 };

    snprintf(shard, sizeof(shard), "%d", stream->shard);

    while (ok && more && !loop_stopping()) {
        PG_RESULT accounts = pg_call(settle->pg, "ledger.recover_accounts", 3,
                                     params);

        if (accounts == NULL) {
            ok = settle_failed(settle, "read the accounts of a shard");
            break;
        }

        more = pg_rows(accounts) == atoi(INSPECT_PAGE);
        ok = inspect_read_page(settle, stream, accounts)
             && inspect_judge(settle, &settle->rows, reason, &later);
        if (pg_rows(accounts) > 0) {
            snprintf(after, sizeof(after), "%s",
                     pg_value(accounts, pg_rows(accounts) - 1, 0));
        }
        role_beat(ROLE_SETTLE);
    }

    ok = ok && !loop_stopping() && settle_drain(settle, stream)
         && inspect_judge(settle, &later, reason, NULL);
    rows_free(&later);

    return ok;
}


/* Gives the store an id of its own, unless it has the one that is known. */
static bool
inspect_mark(struct settle *settle, struct settle_stream *stream,
    const rds_reply_t *found, const char *known)
{
    char            store[SETTLE_NAME_MAX], shard[16];
    unsigned char   bytes[SETTLE_STORE_ID / 2];
    const char     *argv[] = { "HSET", store, "id", stream->store };
    const char     *params[] = { shard, stream->store, stream->replid };

    snprintf(shard, sizeof(shard), "%d", stream->shard);
    snprintf(store, sizeof(store), TG_KEY_STORE_FMT, (unsigned) stream->shard);
    snprintf(stream->replid, sizeof(stream->replid), "%s",
             settle_store_text(found, STORE_REPLID));
    snprintf(stream->store, sizeof(stream->store), "%s",
             settle_store_text(found, STORE_ID));

    if (known == NULL || known[0] == '\0'
        || strcmp(known, stream->store) != 0)
    {
        if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes)) {
            log_error("there is no randomness to be had");
            return false;
        }
        for (size_t i = 0; i < sizeof(bytes); i++) {
            snprintf(stream->store + 2 * i, 3, "%02x", bytes[i]);
        }

        RDS_REPLY reply = rds_command(settle->rds, 4, argv);

        if (reply == NULL) {
            return settle_redis_failed(settle, "mark a store");
        }
    }

    return pg_do(settle->pg, "ledger.store_sound", 3, params)
           || settle_failed(settle, "note a store");
}


/* Whether nothing was lost again meanwhile; else it is looked through again. */
static bool
inspect_is_whole(struct settle *settle, const struct settle_stream *stream,
    const rds_reply_t *found, bool *whole)
{
    if (!settle_store_ask(settle->rds, stream, "-")) {
        return false;
    }
    RDS_REPLY now = rds_next(settle->rds);

    if (now == NULL) {
        return settle_redis_failed(settle, "look at a store");
    }

    *whole = strcmp(settle_store_text(now, STORE_ID),
                    settle_store_text(found, STORE_ID)) == 0
             && strcmp(settle_store_text(now, STORE_REPLID),
                       settle_store_text(found, STORE_REPLID)) == 0
             && !settle_is_below(settle_store_text(now, STORE_LAST),
                                 stream->cursor);
    if (!*whole) {
        settle->look_at_ms = 0;
    }

    return true;
}


/* Has all wallets of a shard made again; a restart in between does it anew. */
static bool
inspect_rebuild(struct settle *settle, const char *shard, const char *reason)
{
    char         after[32] = "";
    const char  *params[] = { shard, reason, after, INSPECT_PAGE };

    do {
        PG_RESULT page = pg_call(settle->pg, "ledger.recover_shard", 4, params);

        if (page == NULL) {
            return settle_failed(settle, "have all wallets made again");
        }
        snprintf(after, sizeof(after), "%s",
                 pg_value(page, 0, 0) != NULL ? pg_value(page, 0, 0) : "");
        role_beat(ROLE_SETTLE);

    } while (after[0] != '\0' && !loop_stopping());

    return !loop_stopping();
}


/*
 * Looks a store through.  The shard is marked first, so that whoever goes on
 * after a crash begins again, and events that don't add up are kept.
 */
bool
settle_inspect(struct settle *settle, struct settle_stream *stream,
    const char *reason, const rds_reply_t *found, const char *known)
{
    bool         whole;
    char         shard[16];
    const char  *params[] = { shard, reason };

    snprintf(shard, sizeof(shard), "%d", stream->shard);
    if (strcmp(reason, "new") != 0) {
        log_info("shard %s is compared with the ledger: %s", shard, reason);
    }

    if (strcmp(reason, "rebuild") == 0
        && !inspect_rebuild(settle, shard, reason))
    {
        return false;
    }
    if (!pg_do(settle->pg, "ledger.store_lost", 2, params)) {
        return settle_failed(settle, "note that a store is another");
    }

    if (!inspect_behind(settle, stream)
        || !inspect_advance(settle, stream)
        || !settle_drain(settle, stream)
        || !inspect_compare(settle, stream, reason)
        || !settle_recover(settle, stream)
        || !inspect_is_whole(settle, stream, found, &whole))
    {
        return false;
    }

    stream->sound = whole && inspect_mark(settle, stream, found, known)
                    && settle_trim(settle, stream, "", 0);

    return stream->sound || !whole;
}
