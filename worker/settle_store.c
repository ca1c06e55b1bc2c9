/*
 * settle_store.c: notices that the store of a shard is not what it was.
 *
 * A store has an id that Postgres knows, its server a replication id that is
 * new after each start and each failover, and its stream never goes back.
 * Where one of these differs the shard is looked through (settle_inspect.c);
 * meanwhile nothing of it is settled in the ordinary way.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "key_names.h"
#include "log.h"
#include "loop.h"
#include "settle.h"


#define LOOK_MS       500      /* between looks at all stores */


bool
settle_store_ask(rds_t *rds, const struct settle_stream *stream,
    const char *cursor)
{
    char         store[SETTLE_NAME_MAX];
    const char  *argv[] = { "EVALSHA", rds_sha("store"), "2", store,
                            stream->name, cursor };

    snprintf(store, sizeof(store), TG_KEY_STORE_FMT, (unsigned) stream->shard);

    if (!rds_append(rds, sizeof(argv) / sizeof(argv[0]), argv)) {
        log_error("look at a store failed: %s", rds_error(rds));
        return false;
    }

    return true;
}


const char *
settle_store_text(const rds_reply_t *reply, enum settle_store_field field)
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
    if (!settle_store_ask(settle->rds, stream, "-")) {
        return false;
    }
    RDS_REPLY reply = rds_next(settle->rds);

    if (reply == NULL) {
        return settle_redis_failed(settle, "look at a store");
    }
    snprintf(id, size, "%s", settle_store_text(reply, STORE_LAST));

    return true;
}


/* Whether it is the one that is known; if not it is looked at soon. */
static bool
store_is_same(struct settle *settle, struct settle_stream *stream,
    const rds_reply_t *reply)
{
    bool  same = reply != NULL
                 && strcmp(settle_store_text(reply, STORE_ID), stream->store) == 0
                 && strcmp(settle_store_text(reply, STORE_REPLID),
                           stream->replid) == 0
                 && !settle_is_below(settle_store_text(reply, STORE_LAST),
                                     stream->cursor);

    if (!same) {
        stream->sound = false;
        settle->look_at_ms = 0;
    }

    return same;
}


/*
 * Before what was read of them is posted: a store that isn't the same any more
 * told of another history, which is looked into first.  The server is asked
 * that was read from, and found anew where it may be the wrong one.
 */
bool
settle_stores_same(struct settle *settle, rds_reply_t *const *replies)
{
    bool  same = true;

    for (int i = 0; i < settle->count; i++) {
        if (settle->streams[i].shard != -1 && rds_len(replies[i]) > 0
            && !settle_store_ask(settle->ahead, &settle->streams[i], "-"))
        {
            return false;
        }
    }

    for (int i = 0; i < settle->count; i++) {
        if (settle->streams[i].shard != -1 && rds_len(replies[i]) > 0) {
            RDS_REPLY reply = rds_next(settle->ahead);

            same = store_is_same(settle, &settle->streams[i], reply) && same;
        }
    }
    if (!rds_connected(settle->ahead)) {
        return false;
    }

    if (!same) {
        rds_drop(settle->ahead);
    }

    return true;
}


bool
settle_store_same(struct settle *settle, struct settle_stream *stream)
{
    if (!settle_store_ask(settle->rds, stream, "-")) {
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
    const char  *found = settle_store_text(reply, STORE_ID);
    const char  *last = settle_store_text(reply, STORE_LAST);

    return id == NULL ? "new"
           : found[0] == '\0' ? "store_empty"
           : strcmp(found, id) != 0 ? "store_another"
           : strcmp(settle_store_text(reply, STORE_REPLID), replid) != 0 ? "restarted"
           : settle_is_below(last, stream->cursor) ? "rewound"
           : strcmp(state, "sound") != 0 ? state
           : NULL;
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
    if (found == NULL || settle_store_text(found, STORE_REPLID)[0] == '\0') {
        stream->sound = false;
        return true;
    }

    id = row != -1 ? pg_value(stores, row, 1) : NULL;
    reason = store_sign(stream, found, id,
                        row != -1 ? pg_value(stores, row, 2) : NULL,
                        row != -1 ? pg_value(stores, row, 3) : NULL);

    if (reason != NULL) {
        stream->sound = false;
        if (!settle_inspect(settle, stream, reason, found, id)) {
            return false;
        }

    } else if (!stream->sound) {
        snprintf(stream->store, sizeof(stream->store), "%s", id);
        snprintf(stream->replid, sizeof(stream->replid), "%s",
                 settle_store_text(found, STORE_REPLID));
        /* A killed owner may have committed and not trimmed. */
        if (!settle_trim(settle, stream, "", 0)) {
            return false;
        }
        stream->sound = true;
        stream->looks++;
    }

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
            && !settle_store_ask(settle->rds, &settle->streams[i], "-"))
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
            settle_redis_failed(settle, "look at the stores");
        }
    }

    for (int i = 0; ok && i < settle->count && !loop_stopping(); i++) {
        if (settle->streams[i].shard != -1 && !settle->streams[i].behind) {
            ok = store_look_at(settle, &settle->streams[i], found[i], stores);
        }
    }

    return ok && rds_connected(settle->rds);
}


/* The last id that a stream gave; empty where it can't be told. */
static const char *
store_generated(const rds_reply_t *info)
{
    for (size_t i = 0; i + 1 < rds_len(info); i += 2) {
        const char  *name = rds_text(rds_at(info, i));
        const char  *value = rds_text(rds_at(info, i + 1));

        if (name != NULL && value != NULL
            && strcmp(name, "last-generated-id") == 0)
        {
            return value;
        }
    }

    return "";
}


/*
 * A usage stream that was lost may go on with ids of a clock that is behind.
 * Then it is read from its beginning: what was settled before is known by the
 * numbers of its batches.
 */
static bool
store_restart(struct settle *settle, struct settle_stream *stream)
{
    char         marks[SETTLE_NAME_MAX];
    const char  *params[] = { stream->name, stream->cursor, "0-0" };
    const char  *argv[] = { "HDEL", marks, "settled", "settled_at", "trimmed",
                            "kept" };

    settle_store(stream, marks, sizeof(marks));
    RDS_REPLY gone = rds_command(settle->rds, 6, argv);

    if (gone == NULL) {
        return settle_redis_failed(settle, "forget the marks of a stream")
               || rds_connected(settle->rds);
    }
    if (!pg_do(settle->pg, "ledger.cursor_move", 3, params)) {
        return settle_failed(settle, "begin a stream anew");
    }

    log_warn("%s was lost and goes on below %s: it is read from its beginning",
             stream->name, stream->cursor);
    snprintf(stream->cursor, sizeof(stream->cursor), "0-0");

    return true;
}


/* Looks whether streams of usage went back. */
static bool
store_look_usage(struct settle *settle)
{
    bool         ok = true;
    const char  *argv[] = { "XINFO", "STREAM", NULL };

    for (int i = 0; i < settle->count; i++) {
        argv[2] = settle->streams[i].name;
        if (settle->streams[i].shard == -1
            && !rds_append(settle->rds, 3, argv))
        {
            return settle_redis_failed(settle, "look at a usage stream");
        }
    }

    for (int i = 0; i < settle->count; i++) {
        struct settle_stream  *stream = &settle->streams[i];

        if (stream->shard != -1) {
            continue;
        }
        RDS_REPLY info = rds_next(settle->rds);    /* an error: there is none */
        const char *last = store_generated(info);

        stream->back = last[0] != '\0'
                       && settle_is_below(last, stream->cursor);
    }

    for (int i = 0; ok && i < settle->count; i++) {
        if (settle->streams[i].back) {
            settle->streams[i].back = false;
            ok = store_restart(settle, &settle->streams[i]);
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

    ok = store_look(settle, found) && store_look_usage(settle)
         && settle_recover(settle, NULL);

    for (int i = 0; i < settle->count; i++) {
        rds_clear(found[i]);
    }
    free(found);

    return ok;
}
