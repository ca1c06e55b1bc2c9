/*
 * settle_claim.c: which streams this process settles, and from where.
 *
 * A stream is owned through an advisory lock of the session in Postgres, so
 * a connection that is lost gives all of them up.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "behind.h"
#include "key_names.h"
#include "locks.h"
#include "log.h"
#include "loop.h"
#include "settle.h"


#define SETTLE_CLAIM_MS  1000    /* between tries for what others own */


/* What a failure of a call leaves to say; the loop begins again after it. */
bool
settle_failed(const struct settle *settle, const char *what)
{
    if (pg_error(settle->pg)->message[0] != '\0') {
        log_error("%s failed: %s", what, pg_error(settle->pg)->message);
    }

    return false;
}


bool
settle_redis_failed(const struct settle *settle, const char *what)
{
    log_error("%s failed: %s", what, rds_error(settle->rds));

    return false;
}


/* Connects, and makes the place where a batch's rows go. */
bool
settle_attach(struct settle *settle)
{
    const char  *params[] = { "shards" };

    if (settle->attached) {
        return true;
    }
    if (!pg_ready(settle->pg) || !rds_ready(settle->rds)) {
        return false;
    }
    if (!pg_do(settle->pg, "ledger.settle_begin", 0, NULL)) {
        return settle_failed(settle, "settle_begin");
    }
    if (!behind_look(settle->pg, settle->rds)) {
        return false;
    }

    PG_RESULT result = pg_call(settle->pg, "lib.setting", 1, params);

    if (result == NULL || pg_rows(result) != 1
        || pg_value(result, 0, 0) == NULL)
    {
        return settle_failed(settle, "read the number of shards");
    }
    settle->shards = atoi(pg_value(result, 0, 0));
    settle->attached = true;

    return true;
}


/* Postgres releases the locks with the connection. */
void
settle_detach(struct settle *settle)
{
    pg_drop(settle->pg);
    rds_drop(settle->rds);
    rds_drop(settle->ahead);
    free(settle->streams);

    settle->streams = NULL;
    settle->count = 0;
    settle->asked = false;
    settle->attached = false;
    settle->owns_usage = false;
    settle->replays = false;
    settle->claim_at_ms = 0;
    settle->look_at_ms = 0;
}


/* Locks without waiting; -1 on failure. */
static int
settle_lock(struct settle *settle, const char *lock_class, unsigned number)
{
    char         text[16];
    const char  *params[] = { lock_class, text };

    snprintf(text, sizeof(text), "%u", number);
    PG_RESULT result = pg_call(settle->pg, "pg_try_advisory_lock", 2, params);

    if (result == NULL) {
        settle_failed(settle, "lock");
        return -1;
    }

    return pg_value(result, 0, 0)[0] == 't';
}


bool
settle_read_cursor(struct settle *settle, struct settle_stream *stream)
{
    const char  *params[] = { stream->name };
    PG_RESULT result = pg_call(settle->pg, "ledger.cursor", 1, params);

    if (result == NULL || pg_value(result, 0, 0) == NULL) {
        return settle_failed(settle, "read the cursor");
    }
    snprintf(stream->cursor, sizeof(stream->cursor), "%s",
             pg_value(result, 0, 0));

    return true;
}


struct settle_stream *
settle_find(struct settle *settle, const char *name)
{
    for (int i = 0; i < settle->count; i++) {
        if (strcmp(settle->streams[i].name, name) == 0) {
            return &settle->streams[i];
        }
    }

    return NULL;
}


static bool
settle_own(struct settle *settle, const char *name, enum settle_kind kind,
    int shard)
{
    struct settle_stream  *streams, *stream;

    streams = realloc(settle->streams,
                      sizeof(*streams) * (size_t) (settle->count + 1));
    if (streams == NULL) {
        die("out of memory");
    }
    settle->streams = streams;

    stream = &streams[settle->count];
    *stream = (struct settle_stream) { .kind = kind, .shard = shard,
                                       .sound = kind == SETTLE_USAGE };
    snprintf(stream->name, sizeof(stream->name), "%s", name);

    if (!settle_place(settle, stream)) {
        return false;
    }
    settle->count++;
    settle->look_at_ms = 0;

    return true;
}


static bool
settle_claim_shards(struct settle *settle)
{
    int   locked;
    char  name[SETTLE_NAME_MAX];

    for (int shard = 0; shard < settle->shards; shard++) {
        snprintf(name, sizeof(name), TG_KEY_LEDGER_FMT, (unsigned) shard);
        if (settle_find(settle, name) != NULL) {
            continue;
        }

        locked = settle_lock(settle, LOCK_CLASS_SHARD, (unsigned) shard);
        if (locked == -1
            || (locked == 1 && !settle_own(settle, name, SETTLE_LEDGER,
                                           shard)))
        {
            return false;
        }
    }

    return true;
}


/* Streams of hosts that are known, for a Redis that lost data lost their names. */
static bool
settle_claim_known(struct settle *settle)
{
    const size_t  prefix = sizeof(TG_KEY_USAGE_FMT) - sizeof("%s");
    PG_RESULT streams = pg_call(settle->pg, "ledger.cursors", 0, NULL);

    if (streams == NULL) {
        return settle_failed(settle, "read the cursors");
    }

    for (int row = 0; row < pg_rows(streams); row++) {
        const char  *name = pg_value(streams, row, 0);

        if (strncmp(name, TG_KEY_USAGE_FMT, prefix) == 0
            && strlen(name) < SETTLE_NAME_MAX
            && settle_find(settle, name) == NULL
            && !settle_own(settle, name, SETTLE_USAGE, -1))
        {
            return false;
        }
    }

    return true;
}


/* nginx hosts come and go; each names its stream in a set. */
static bool
settle_claim_usage(struct settle *settle)
{
    char         name[SETTLE_NAME_MAX];
    const char  *argv[] = { "SMEMBERS", TG_KEY_USAGE_HOSTS };

    if (!settle->owns_usage) {
        int  locked = settle_lock(settle, LOCK_CLASS_USAGE, 0);

        if (locked != 1) {
            return locked == 0;
        }
        if (!settle_source_load(settle) || !settle_claim_known(settle)) {
            return false;
        }
        settle->owns_usage = true;
    }

    RDS_REPLY hosts = rds_command(settle->rds, 2, argv);

    if (hosts == NULL) {
        return settle_redis_failed(settle, "read the usage hosts")
               || rds_connected(settle->rds);
    }

    for (size_t i = 0; i < rds_len(hosts); i++) {
        const char  *host = rds_text(rds_at(hosts, i));

        if (host == NULL
            || (size_t) snprintf(name, sizeof(name), TG_KEY_USAGE_FMT, host)
               >= sizeof(name)
            || settle_find(settle, name) != NULL)
        {
            continue;
        }
        if (!settle_own(settle, name, SETTLE_USAGE, -1)) {
            return false;
        }
    }

    return true;
}


bool
settle_claim(struct settle *settle)
{
    if (loop_now_ms() < settle->claim_at_ms) {
        return true;
    }
    settle->claim_at_ms = loop_now_ms() + SETTLE_CLAIM_MS;

    return settle_behind(settle) && settle_claim_shards(settle)
           && settle_claim_usage(settle);
}
