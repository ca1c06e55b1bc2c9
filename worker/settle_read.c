/*
 * settle_read.c: reads what the streams hold, some of them at a time, so that a
 * backlog doesn't fill memory; the next ones while the last are posted.
 *
 * Reading ahead has a connection of its own, for which there is
 * time while Postgres works.  Whatever moves a stream or looks its store through in
 * between makes what was asked for before worthless: it is read again.
 */

#include <stdio.h>
#include <string.h>

#include "log.h"
#include "loop.h"
#include "settle.h"


/*
 * Entries that may be in memory at a time, of which each takes about 2 KB:
 * half of them are posted, the others read.  An entry of usage has many
 * records, so of these a tenth is read.
 */
#define SETTLE_ENTRIES  40000

#define READ_PAUSE_MS   1      /* where Redis has yet to send */


static int
settle_together(const struct settle *settle)
{
    return (int) (SETTLE_ENTRIES / 2 / settle->batch) + 1;
}


bool
settle_ask(struct settle *settle)
{
    int          end = settle->next + settle_together(settle);
    char         batch[32];
    const char  *argv[] = { "XREAD", "COUNT", batch, "STREAMS", NULL, NULL };

    if (!rds_ready(settle->ahead)) {
        return false;
    }

    for (int i = settle->next; i < settle->count && i < end; i++) {
        struct settle_stream  *stream = &settle->streams[i];

        if (stream->behind || !stream->sound) {
            continue;
        }
        snprintf(batch, sizeof(batch), "%d",
                 stream->kind == SETTLE_USAGE
                 ? (settle->batch + 9) / 10 : settle->batch);
        argv[4] = stream->name;
        argv[5] = stream->cursor;
        if (!rds_append(settle->ahead, 6, argv)) {
            log_error("read the streams failed: %s", rds_error(settle->ahead));
            return false;
        }
        stream->asked = true;
        stream->asked_looks = stream->looks;
        memcpy(stream->asked_from, stream->cursor, sizeof(stream->cursor));
    }

    rds_start(settle->ahead);
    settle->asked = true;
    settle->next = end;

    return true;
}


bool
settle_take(struct settle *settle, rds_reply_t **replies)
{
    bool  failed = false;

    settle->asked = false;

    for (int i = 0; i < settle->count; i++) {
        struct settle_stream  *stream = &settle->streams[i];

        if (!stream->asked) {
            continue;
        }
        stream->asked = false;

        replies[i] = rds_next(settle->ahead);
        if (replies[i] == NULL && !failed) {
            failed = true;
            log_error("read the streams failed: %s", rds_error(settle->ahead));
        }

        if (replies[i] != NULL
            && (stream->behind || !stream->sound
                || stream->looks != stream->asked_looks
                || strcmp(stream->cursor, stream->asked_from) != 0))
        {
            rds_clear(replies[i]);
            replies[i] = NULL;
            settle->found = true;
        }
    }

    return rds_connected(settle->ahead);
}


int64_t
settle_meanwhile(void *data)
{
    struct settle  *settle = data;

    if (!settle->asked) {
        return LOOP_NO_WORK;
    }

    return rds_ahead(settle->ahead) ? 0 : READ_PAUSE_MS;
}
