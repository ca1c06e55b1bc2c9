/*
 * settle_trim.c: removes from the streams what is settled, once it was kept
 * long enough, and notes in Redis how far Postgres came.
 *
 * Redis knows before anything is gone, by one script, so that a Postgres which
 * is older than that is found out.
 */

#include <inttypes.h>
#include <stdio.h>

#include "key_names.h"
#include "log.h"
#include "loop.h"
#include "settle.h"


/* How often what was kept is looked at, in parts of the time and at most. */
#define TRIM_PARTS   10
#define TRIM_MIN_MS  1000
#define TRIM_MAX_MS  60000


void
settle_store(const struct settle_stream *stream, char *store, size_t size)
{
    unsigned  shard;

    if (stream->kind == SETTLE_LEDGER
        && sscanf(stream->name, TG_KEY_LEDGER_FMT, &shard) == 1)
    {
        snprintf(store, size, TG_KEY_STORE_FMT, shard);
        return;
    }

    snprintf(store, size, TG_KEY_USAGE_STORE_FMT,
             stream->name + sizeof(TG_KEY_USAGE_FMT) - sizeof("%s"));
}


bool
settle_trim(struct settle *settle, const struct settle_stream *stream,
    const char *before, size_t count)
{
    char         store[SETTLE_NAME_MAX], keep[24], entries[24];
    const char  *argv[] = { "EVALSHA", rds_sha("trim"), "2", stream->name,
                            store, stream->cursor, before, keep, entries };

    settle_store(stream, store, sizeof(store));
    snprintf(keep, sizeof(keep), "%" PRId64, settle->conf->settle_keep);
    snprintf(entries, sizeof(entries), "%zu", count);

    RDS_REPLY reply = rds_command(settle->rds, sizeof(argv) / sizeof(argv[0]),
                                  argv);

    return reply != NULL || settle_redis_failed(settle, "trim")
           || rds_connected(settle->rds);
}


bool
settle_trim_kept(struct settle *settle)
{
    int64_t  pause_ms = settle->conf->settle_keep / TRIM_PARTS;

    if (settle->conf->settle_keep == 0
        || loop_now_ms() < settle->trim_at_ms)
    {
        return true;
    }

    pause_ms = pause_ms < TRIM_MIN_MS ? TRIM_MIN_MS
               : pause_ms > TRIM_MAX_MS ? TRIM_MAX_MS : pause_ms;
    settle->trim_at_ms = loop_now_ms() + pause_ms;

    for (int i = 0; i < settle->count; i++) {
        const struct settle_stream  *stream = &settle->streams[i];

        if (!stream->behind && stream->sound
            && !settle_trim(settle, stream, stream->cursor, 0))
        {
            return false;
        }
    }

    return true;
}
