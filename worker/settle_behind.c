/*
 * settle_behind.c: which streams can't be settled, because Postgres is older
 * than what is gone from them.
 *
 * Such a stream stays as it is until an operator has decided; one of which
 * nothing is gone is settled again from Postgres' cursor.
 */

#include <stdio.h>
#include <string.h>

#include "behind.h"
#include "log.h"
#include "settle.h"


/* Shards are noted already, unless Redis moved on since; hosts are not. */
static bool
settle_note_behind(struct settle *settle, const struct settle_stream *stream,
    const struct behind_marks *marks)
{
    char         ms[24];
    const char  *params[] = { stream->name, stream->cursor, marks->trimmed,
                              marks->settled, ms };

    snprintf(ms, sizeof(ms), "%lld", (long long) marks->settled_ms);

    return pg_do(settle->pg, "ledger.behind_found", 5, params)
           || settle_failed(settle, "note that a stream is behind");
}


/*
 * The marks are read ahead of the cursor: what another process settles
 * meanwhile makes the cursor larger, not the marks.
 */
bool
settle_place(struct settle *settle, struct settle_stream *stream)
{
    bool                 was_behind = stream->behind;
    char                 store[SETTLE_NAME_MAX];
    struct behind_marks  marks;

    settle_store(stream, store, sizeof(store));
    if (!behind_ask(settle->rds, store)) {
        return settle_redis_failed(settle, "read the marks of a stream");
    }
    if (!behind_read(settle->rds, &marks)) {
        stream->behind = true;    /* until its server answers */
        return settle_redis_failed(settle, "read the marks of a stream")
               || rds_connected(settle->rds);
    }
    if (!settle_read_cursor(settle, stream)) {
        return false;
    }

    if (behind_compare(stream->cursor, marks.settled) < 0) {
        settle->replays = true;
        if (!settle_note_behind(settle, stream, &marks)) {
            return false;
        }
    }

    stream->behind = stream->kind == SETTLE_LEDGER
                     && behind_compare(stream->cursor, marks.trimmed) < 0;
    if (stream->behind) {
        if (!was_behind) {
            log_error("events of %s from %s to %s are gone from redis and "
                      "postgres has not settled them", stream->name,
                      stream->cursor, marks.trimmed);
            log_hint("was postgres restored from a backup? see tollgate "
                     "ledger catchup");
        }
        return true;
    }

    /* What has ids of settled ones may be news, of a store that lost data. */
    return !stream->sound || settle_trim(settle, stream, "", 0);
}


/* Looks again at the streams that waited. */
bool
settle_behind(struct settle *settle)
{
    for (int i = 0; i < settle->count; i++) {
        if (settle->streams[i].behind
            && !settle_place(settle, &settle->streams[i]))
        {
            return false;
        }
    }

    if (!settle->replays) {
        return true;
    }

    PG_RESULT ended = pg_call(settle->pg, "ledger.behind_end", 0, NULL);

    if (ended == NULL) {
        return settle_failed(settle, "note that streams are caught up");
    }
    settle->replays = strcmp(pg_value(ended, 0, 0), "0") != 0;
    if (!settle->replays) {
        log_info("all streams are settled as far as they had been");
    }

    return true;
}
