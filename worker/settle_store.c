/*
 * settle_store.c: notices that the store of a shard is not what it was.
 *
 * A store has an id that Postgres knows, its server a replication id that is
 * new after each start and each failover, and its stream never goes back.
 * Where one of these differs all wallets of the shard are compared with the
 * ledger, and those that differ are made again (settle_recover.c).  Meanwhile
 * nothing of the shard is settled in the ordinary way, and no plan is copied
 * to it.
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


#define LOOK_MS       500      /* between looks at all stores */
#define STORE_PAGE    "1000"   /* accounts, or entries of a stream, at a time */


/* What store.lua answers, and where it stands in the answer. */
enum store_field { STORE_ID, STORE_REPLID, STORE_LAST, STORE_UNKNOWN };


static bool
store_ask(struct settle *settle, const struct settle_stream *stream,
    const char *cursor)
{
    char         store[SETTLE_NAME_MAX], unknown[SETTLE_NAME_MAX];
    const char  *argv[] = { "EVALSHA", rds_sha("store"), "3", store,
                            stream->name, unknown, cursor };

    snprintf(store, sizeof(store), TG_KEY_STORE_FMT, (unsigned) stream->shard);
    snprintf(unknown, sizeof(unknown), TG_KEY_UNKNOWN_FMT,
             (unsigned) stream->shard);

    return rds_append(settle->rds, 7, argv)
           || settle_redis_failed(settle, "look at a store");
}


static const char *
store_text(const rds_reply_t *reply, enum store_field field)
{
    const char  *text = rds_text(rds_at(reply, field));

    return text != NULL ? text : "";
}


/* Whether an id of a stream is below another. */
bool
settle_is_below(const char *id, const char *other)
{
    unsigned long long  ms = 0, n = 0, other_ms = 0, other_n = 0;

    (void) sscanf(id, "%llu-%llu", &ms, &n);
    (void) sscanf(other, "%llu-%llu", &other_ms, &other_n);

    return ms < other_ms || (ms == other_ms && n < other_n);
}


/* The last id that the stream gave; false where it can't be asked. */
bool
settle_last_id(struct settle *settle, const struct settle_stream *stream,
    char *id, size_t size)
{
    if (!store_ask(settle, stream, "-")) {
        return false;
    }
    RDS_REPLY reply = rds_next(settle->rds);

    if (reply == NULL) {
        return settle_redis_failed(settle, "look at a store");
    }
    snprintf(id, size, "%s", store_text(reply, STORE_LAST));

    return true;
}


/* Whether it is the one that is known; if not it is looked at soon. */
static bool
store_is_same(struct settle *settle, struct settle_stream *stream,
    const rds_reply_t *reply)
{
    bool  same = reply != NULL
                 && strcmp(store_text(reply, STORE_ID), stream->store) == 0
                 && strcmp(store_text(reply, STORE_REPLID),
                           stream->replid) == 0;

    if (!same) {
        stream->sound = false;
        settle->look_at_ms = 0;
    }

    return same;
}


/*
 * Before what was read of them is posted: a store that isn't the same any more
 * told of another history, which is looked into first.
 */
bool
settle_stores_same(struct settle *settle, rds_reply_t *const *replies)
{
    for (int i = 0; i < settle->count; i++) {
        if (settle->streams[i].shard != -1 && rds_len(replies[i]) > 0
            && !store_ask(settle, &settle->streams[i], "-"))
        {
            return false;
        }
    }

    for (int i = 0; i < settle->count; i++) {
        if (settle->streams[i].shard != -1 && rds_len(replies[i]) > 0) {
            RDS_REPLY reply = rds_next(settle->rds);

            (void) store_is_same(settle, &settle->streams[i], reply);
        }
    }

    return rds_connected(settle->rds);
}


bool
settle_store_same(struct settle *settle, struct settle_stream *stream)
{
    if (!store_ask(settle, stream, "-")) {
        return false;
    }
    RDS_REPLY reply = rds_next(settle->rds);

    return store_is_same(settle, stream, reply);
}


/* Why a store has to be looked through, or NULL. */
static const char *
store_sign(const struct settle_stream *stream, const rds_reply_t *reply,
    const char *id, const char *replid, const char *state)
{
    const char  *found = store_text(reply, STORE_ID);
    const char  *last = store_text(reply, STORE_LAST);

    return id == NULL ? "new"
           : found[0] == '\0' ? "store_empty"
           : strcmp(found, id) != 0 ? "store_another"
           : strcmp(store_text(reply, STORE_REPLID), replid) != 0 ? "restarted"
           : settle_is_below(last, stream->cursor) ? "rewound"
           : strcmp(state, "sound") != 0 ? state
           : NULL;
}


/*
 * Entries whose ids are those of settled ones: either they are settled, and
 * were not removed, or a master whose clock is behind wrote them.
 */
static bool
store_behind(struct settle *settle, struct settle_stream *stream)
{
    size_t       n;
    char         from[SETTLE_ID_MAX + 1] = "-";
    const char  *argv[] = { "XRANGE", stream->name, from, stream->cursor,
                            "COUNT", STORE_PAGE };
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

    } while (n == strtoull(STORE_PAGE, NULL, 10));

    return true;
}


/* Has the stream go on behind the cursor. */
static bool
store_advance(struct settle *settle, const struct settle_stream *stream)
{
    if (!store_ask(settle, stream, stream->cursor)) {
        return false;
    }
    RDS_REPLY reply = rds_next(settle->rds);

    return reply != NULL
           || settle_redis_failed(settle, "have a stream go on");
}


/* Adds a wallet as it is to the rows of recover_seen. */
static void
store_seen(struct rows *rows, const char *account, const rds_reply_t *fields,
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
    rows_end(rows);
}


/* Reads a page of wallets into settle->rows. */
static bool
store_read_page(struct settle *settle, const struct settle_stream *stream,
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
        store_seen(&settle->rows, pg_value(accounts, row, 0), fields,
                   pg_value(accounts, row, 1));
    }

    return true;
}


/* Has the wallets in rows judged; adds those to wait for to later. */
static bool
store_judge(struct settle *settle, const struct rows *rows, const char *reason,
    bool final, struct rows *later)
{
    const char  *params[] = { reason, final ? "true" : "false" };

    if (rows->len == 0) {
        return true;
    }
    if (!pg_begin(settle->pg)
        || !pg_copy(settle->pg, "recover_seen", settle_seen_columns,
                    rows->text, rows->len))
    {
        goto failed;
    }

    PG_RESULT waiting = pg_call(settle->pg, "ledger.recover_judge", 2, params);

    if (waiting == NULL || !pg_commit(settle->pg)) {
        goto failed;
    }

    /* Their lines are those of the rows that begin so. */
    for (int row = 0; later != NULL && row < pg_rows(waiting); row++) {
        const char  *account = pg_value(waiting, row, 0);
        const char  *line = rows->text, *end = rows->text + rows->len, *next;

        for ( ; line < end; line = next) {
            next = (const char *) memchr(line, '\n', (size_t) (end - line));
            next = next != NULL ? next + 1 : end;
            if (strncmp(line, account, strlen(account)) == 0) {
                rows_raw(later, line, (size_t) (next - line));
            }
        }
    }

    return true;

failed:

    settle_failed(settle, "judge wallets");
    pg_rollback(settle->pg);

    return false;
}


/* Compares all wallets of a shard with the ledger. */
static bool
store_compare(struct settle *settle, struct settle_stream *stream,
    const char *reason)
{
    bool         ok = true, more = true;
    char         shard[16], after[32] = "";
    const char  *params[] = { shard, after, STORE_PAGE };
    struct rows  later = { 0 };

    snprintf(shard, sizeof(shard), "%d", stream->shard);

    while (ok && more && !loop_stopping()) {
        PG_RESULT accounts = pg_call(settle->pg, "ledger.recover_accounts", 3,
                                     params);

        if (accounts == NULL) {
            ok = settle_failed(settle, "read the accounts of a shard");
            break;
        }

        more = pg_rows(accounts) == atoi(STORE_PAGE);
        ok = store_read_page(settle, stream, accounts)
             && store_judge(settle, &settle->rows, reason, false, &later);
        if (pg_rows(accounts) > 0) {
            snprintf(after, sizeof(after), "%s",
                     pg_value(accounts, pg_rows(accounts) - 1, 0));
        }
        role_beat(ROLE_SETTLE);
    }

    ok = ok && !loop_stopping() && settle_drain(settle, stream)
         && store_judge(settle, &later, reason, true, NULL);
    rows_free(&later);

    return ok;
}


/* Gives the store an id of its own, unless it has the one that is known. */
static bool
store_mark(struct settle *settle, struct settle_stream *stream,
    const rds_reply_t *found, const char *known)
{
    char            store[SETTLE_NAME_MAX], shard[16];
    unsigned char   bytes[SETTLE_STORE_ID / 2];
    const char     *argv[] = { "HSET", store, "id", stream->store };
    const char     *params[] = { shard, stream->store, stream->replid };

    snprintf(shard, sizeof(shard), "%d", stream->shard);
    snprintf(store, sizeof(store), TG_KEY_STORE_FMT, (unsigned) stream->shard);
    snprintf(stream->replid, sizeof(stream->replid), "%s",
             store_text(found, STORE_REPLID));
    snprintf(stream->store, sizeof(stream->store), "%s",
             store_text(found, STORE_ID));

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


/*
 * Looks a store through.  The shard is marked first, so that whoever goes on
 * after a crash begins again, and events that don't add up are kept.
 */
static bool
store_inspect(struct settle *settle, struct settle_stream *stream,
    const char *reason, const rds_reply_t *found, const char *known)
{
    char         shard[16];
    const char  *params[] = { shard, reason };

    snprintf(shard, sizeof(shard), "%d", stream->shard);
    if (strcmp(reason, "new") != 0) {
        log_info("shard %s is compared with the ledger: %s", shard, reason);
    }

    if (!pg_do(settle->pg, "ledger.store_lost", 2, params)) {
        return settle_failed(settle, "note that a store is another");
    }

    return store_behind(settle, stream)
           && store_advance(settle, stream)
           && settle_drain(settle, stream)
           && store_compare(settle, stream, reason)
           && settle_recover(settle, stream)
           && store_mark(settle, stream, found, known)
           && settle_trim(settle, stream, "", 0);
}


/* Those of the accounts that have no wallet now, as an array of Postgres. */
static bool
store_missing(struct settle *settle, const struct settle_stream *stream,
    const rds_reply_t *unknown, struct rows *list)
{
    char         wallet[SETTLE_NAME_MAX];
    const char  *argv[] = { "EXISTS", wallet };

    for (size_t i = 0; i < rds_len(unknown); i++) {
        snprintf(wallet, sizeof(wallet), TG_KEY_WALLET_FMT,
                 (unsigned) stream->shard, rds_text(rds_at(unknown, i)));
        if (!rds_append(settle->rds, 2, argv)) {
            return settle_redis_failed(settle, "look for wallets");
        }
    }

    /* They are letters and digits, as the gate sees to. */
    rows_raw(list, "{", 1);
    for (size_t i = 0; i < rds_len(unknown); i++) {
        RDS_REPLY exists = rds_next(settle->rds);

        if (exists == NULL) {
            return settle_redis_failed(settle, "look for wallets");
        }
        if (rds_int(exists) == 0) {
            rows_raw(list, ",", list->len > 1);
            rows_raw(list, rds_text(rds_at(unknown, i)),
                      rds_len(rds_at(unknown, i)));
        }
    }
    rows_raw(list, "}", sizeof("}"));

    return true;
}


/* Has wallets made again that requests came for and that are gone. */
static bool
store_unknown(struct settle *settle, const struct settle_stream *stream,
    const rds_reply_t *found)
{
    bool                 ok;
    char                 key[SETTLE_NAME_MAX];
    size_t               n = rds_len(rds_at(found, STORE_UNKNOWN));
    struct rows          list = { 0 };
    const char         **argv, *params[1];

    if (n == 0) {
        return true;
    }

    ok = store_missing(settle, stream, rds_at(found, STORE_UNKNOWN), &list);
    params[0] = list.text;
    if (ok && !pg_do(settle->pg, "ledger.recover_unknown", 1, params)) {
        ok = settle_failed(settle, "look for unknown accounts");
    }
    rows_free(&list);

    argv = calloc(n + 2, sizeof(*argv));
    if (argv == NULL) {
        die("out of memory");
    }
    snprintf(key, sizeof(key), TG_KEY_UNKNOWN_FMT, (unsigned) stream->shard);
    argv[0] = "SREM";
    argv[1] = key;
    for (size_t i = 0; i < n; i++) {
        argv[i + 2] = rds_text(rds_at(rds_at(found, STORE_UNKNOWN), i));
    }

    RDS_REPLY reply = ok ? rds_command(settle->rds, (int) n + 2, argv) : NULL;

    free(argv);

    return ok && (reply != NULL
                  || settle_redis_failed(settle, "forget unknown accounts"));
}


/* What Postgres knows of a shard's store: a row of ledger.stores(), or -1. */
static int
store_row(const pg_result_t *stores, int shard)
{
    for (int row = 0; row < pg_rows(stores); row++) {
        if (atoi(pg_value(stores, row, 0)) == shard) {
            return row;
        }
    }

    return -1;
}


static bool
store_look_at(struct settle *settle, struct settle_stream *stream,
    const rds_reply_t *found, const pg_result_t *stores)
{
    int          row = store_row(stores, stream->shard);
    const char  *id, *reason;

    /* One that can't be asked, or a replica, is not read from either. */
    if (found == NULL || store_text(found, STORE_REPLID)[0] == '\0') {
        stream->sound = false;
        return true;
    }

    id = row != -1 ? pg_value(stores, row, 1) : NULL;
    reason = store_sign(stream, found, id,
                        row != -1 ? pg_value(stores, row, 2) : NULL,
                        row != -1 ? pg_value(stores, row, 3) : NULL);

    if (reason != NULL) {
        stream->sound = false;
        if (!store_inspect(settle, stream, reason, found, id)) {
            return false;
        }

    } else if (!stream->sound) {
        snprintf(stream->store, sizeof(stream->store), "%s", id);
        snprintf(stream->replid, sizeof(stream->replid), "%s",
                 store_text(found, STORE_REPLID));
        /* A killed owner may have committed and not trimmed. */
        if (!settle_trim(settle, stream, "", 0)) {
            return false;
        }
    }
    stream->sound = true;

    return store_unknown(settle, stream, found);
}


/* All of them, by one turn of questions. */
static bool
store_look(struct settle *settle, rds_reply_t **found)
{
    bool  ok = true, failed = false;

    PG_RESULT stores = pg_call(settle->pg, "ledger.stores", 0, NULL);

    if (stores == NULL) {
        return settle_failed(settle, "read the stores");
    }

    for (int i = 0; i < settle->count; i++) {
        if (settle->streams[i].shard != -1
            && !store_ask(settle, &settle->streams[i], "-"))
        {
            return false;
        }
    }
    for (int i = 0; i < settle->count; i++) {
        if (settle->streams[i].shard == -1) {
            continue;
        }
        found[i] = rds_next(settle->rds);
        if (found[i] == NULL && !failed) {
            failed = true;
            if (!settle->complained || !rds_connected(settle->rds)) {
                settle_redis_failed(settle, "look at the stores");
            }
        }
    }
    settle->complained = failed;

    for (int i = 0; ok && i < settle->count && !loop_stopping(); i++) {
        if (settle->streams[i].shard != -1 && !settle->streams[i].behind) {
            ok = store_look_at(settle, &settle->streams[i], found[i], stores);
        }
    }

    return ok && rds_connected(settle->rds);
}


bool
settle_look(struct settle *settle)
{
    bool          ok;
    rds_reply_t **found;

    if (loop_now_ms() < settle->look_at_ms) {
        return true;
    }
    settle->look_at_ms = loop_now_ms() + LOOK_MS;

    found = calloc((size_t) settle->count + 1, sizeof(*found));
    if (found == NULL) {
        die("out of memory");
    }

    ok = store_look(settle, found) && settle_recover(settle, NULL);

    for (int i = 0; i < settle->count; i++) {
        rds_clear(found[i]);
    }
    free(found);

    return ok;
}
