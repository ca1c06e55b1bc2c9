/* lag.c: counts what waits in the streams, by their length and their marks. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "key_names.h"
#include "lag.h"
#include "log.h"


#define LAG_NAME_MAX  512

struct lag_stream {
    char     name[LAG_NAME_MAX];
    char     store[LAG_NAME_MAX];
    char     after[64];     /* the id after which nothing is settled */
    int64_t  kept;
};

struct lag_streams {
    struct lag_stream  *list;
    size_t              count;
};


/* Where settle came to, by the marks that redis/trim.lua writes. */
static bool
lag_marks(rds_t *rds, struct lag_streams *streams)
{
    bool         ok = true;
    const char  *settled, *kept;

    for (size_t i = 0; i < streams->count; i++) {
        const char  *argv[] = { "HMGET", streams->list[i].store, "settled",
                                "kept" };

        if (!rds_append(rds, 4, argv)) {
            return false;
        }
    }

    for (size_t i = 0; i < streams->count; i++) {
        struct lag_stream  *stream = &streams->list[i];
        RDS_REPLY reply = rds_next(rds);

        ok = ok && reply != NULL;
        settled = rds_text(rds_at(reply, 0));
        kept = rds_text(rds_at(reply, 1));
        snprintf(stream->after, sizeof(stream->after), "%s%s",
                 settled ? "(" : "", settled ? settled : "-");
        stream->kept = kept ? strtoll(kept, NULL, 10) : 0;
    }

    return ok;
}


/* When an entry of a stream was made, by its id; 0 where there is none. */
static int64_t
lag_entry_ms(const rds_reply_t *entries)
{
    const char  *id = rds_text(rds_at(rds_at(entries, 0), 0));

    return id != NULL ? strtoll(id, NULL, 10) : 0;
}


static void
lag_add(struct lag *lag, const struct lag_stream *stream, int64_t len,
    int64_t ms, int64_t now_ms)
{
    int64_t  kept = stream->kept < len ? stream->kept : len;

    /* a first entry tells better than two counts of different moments */
    lag->kept += ms == 0 ? len : kept;
    lag->entries += ms == 0 ? 0 : len - kept;
    if (ms != 0 && len - kept > lag->most) {
        lag->most = len - kept;
    }

    if (ms != 0 && now_ms - ms > lag->oldest_ms) {
        lag->oldest_ms = now_ms - ms;
    }
}


static bool
lag_count(rds_t *rds, struct lag_streams *streams, struct lag *lag)
{
    bool             ok = true;
    struct timespec  now;

    if (!lag_marks(rds, streams)) {
        return false;
    }

    for (size_t i = 0; i < streams->count; i++) {
        const char  *len[] = { "XLEN", streams->list[i].name };
        const char  *first[] = { "XRANGE", streams->list[i].name,
                                 streams->list[i].after, "+", "COUNT", "1" };

        if (!rds_append(rds, 2, len) || !rds_append(rds, 6, first)) {
            return false;
        }
    }

    clock_gettime(CLOCK_REALTIME, &now);
    *lag = (struct lag) { 0 };

    for (size_t i = 0; i < streams->count; i++) {
        RDS_REPLY len = rds_next(rds);
        RDS_REPLY first = rds_next(rds);

        ok = ok && len != NULL && first != NULL;
        if (ok) {
            lag_add(lag, &streams->list[i], rds_int(len), lag_entry_ms(first),
                    now.tv_sec * 1000 + now.tv_nsec / 1000000);
        }
    }

    return ok;
}


static struct lag_streams
lag_streams(size_t count)
{
    struct lag_streams  streams = { calloc(count + 1, sizeof(*streams.list)),
                                    count };

    if (streams.list == NULL) {
        die("out of memory");
    }

    return streams;
}


bool
lag_ledger(rds_t *rds, long shards, struct lag *lag)
{
    bool                ok;
    struct lag_streams  streams = lag_streams((size_t) shards);

    for (unsigned i = 0; i < (unsigned) shards; i++) {
        snprintf(streams.list[i].name, LAG_NAME_MAX, TG_KEY_LEDGER_FMT, i);
        snprintf(streams.list[i].store, LAG_NAME_MAX, TG_KEY_STORE_FMT, i);
    }

    ok = lag_count(rds, &streams, lag);
    free(streams.list);

    return ok;
}


bool
lag_usage(rds_t *rds, struct lag *lag)
{
    bool                ok;
    const char         *argv[] = { "SMEMBERS", TG_KEY_USAGE_HOSTS };
    struct lag_streams  streams;
    RDS_REPLY hosts = rds_command(rds, 2, argv);

    if (hosts == NULL) {
        return false;
    }

    streams = lag_streams(rds_len(hosts));
    for (size_t i = 0; i < streams.count; i++) {
        const char  *host = rds_text(rds_at(hosts, i));

        snprintf(streams.list[i].name, LAG_NAME_MAX, TG_KEY_USAGE_FMT,
                 host ? host : "");
        snprintf(streams.list[i].store, LAG_NAME_MAX, TG_KEY_USAGE_STORE_FMT,
                 host ? host : "");
    }

    ok = lag_count(rds, &streams, lag);
    free(streams.list);

    return ok;
}
