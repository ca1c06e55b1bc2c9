/*
 * settle_lease.c: has leases return whose hosts are not heard of.
 *
 * A lease changes its number with each call of its host, and none comes again.
 * So time is taken by the clock of this machine alone, from when a number was
 * seen first; after a time in which Redis could not be read it is taken anew,
 * for then the hosts could not call either.
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "key_names.h"
#include "log.h"
#include "loop.h"
#include "role.h"
#include "settle.h"


#define LEASE_PARTS   10      /* of the time, after which they are looked at */
#define LEASE_MIN_MS  500
#define LEASE_MAX_MS  5000
#define LEASE_COUNT   "1000"  /* of a shard, at a time */
#define LEASE_BATCH   500     /* are taken back at a time */

/* "account key host", as the list of a shard has it. */
struct lease {
    char     *name;
    int64_t   no;
    int64_t   since_ms;
};

struct lease_list {
    struct lease  *leases;
    size_t         count;
    size_t         size;
    int64_t        read_ms;
};

/* The leases of a shard by name, and those that are being read. */
struct settle_leases {
    struct lease_list  known;
    struct lease_list  fresh;
    char               cursor[32];
    bool               reads;
    int                sent;         /* asked to be taken back */
};


/* It goes on while the machine sleeps, as that of the hosts does. */
static int64_t
lease_now_ms(void)
{
    struct timespec  now;

    clock_gettime(CLOCK_BOOTTIME, &now);

    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}


static int
lease_by_name(const void *one, const void *other)
{
    return strcmp(((const struct lease *) one)->name,
                  ((const struct lease *) other)->name);
}


static void
lease_clear(struct lease_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->leases[i].name);
    }
    free(list->leases);
    *list = (struct lease_list) { 0 };
}


static void
lease_add(struct lease_list *list, const char *name, const char *no)
{
    char  *copy = strdup(name);

    if (list->count == list->size) {
        list->size = list->size == 0 ? 64 : list->size * 2;
        list->leases = realloc(list->leases,
                               list->size * sizeof(*list->leases));
    }
    if (copy == NULL || list->leases == NULL) {
        die("out of memory");
    }

    list->leases[list->count++] = (struct lease) {
        .name = copy, .no = strtoll(no, NULL, 10), .since_ms = list->read_ms };
}


/* What has the number that it had is as old as it was. */
static void
lease_compare(struct settle_leases *of, int64_t pause_ms)
{
    struct lease  *lease, *known;

    if (of->fresh.count > 1) {
        qsort(of->fresh.leases, of->fresh.count, sizeof(struct lease),
              lease_by_name);
    }

    for (size_t i = 0; i < of->fresh.count && of->known.count > 0
                       && of->fresh.read_ms - of->known.read_ms < 3 * pause_ms;
         i++)
    {
        lease = &of->fresh.leases[i];
        known = bsearch(lease, of->known.leases, of->known.count,
                        sizeof(struct lease), lease_by_name);
        if (known != NULL && known->no == lease->no) {
            lease->since_ms = known->since_ms;
        }
    }

    lease_clear(&of->known);
    of->known = of->fresh;
    of->fresh = (struct lease_list) { 0 };
}


/* Takes a page in; where there is none the shard is read another time. */
static void
lease_page(struct settle_leases *of, const rds_reply_t *reply,
    int64_t pause_ms)
{
    const char         *cursor = rds_text(rds_at(reply, 0));
    const rds_reply_t  *pairs = rds_at(reply, 1);

    if (cursor == NULL) {
        of->reads = false;
        lease_clear(&of->fresh);
        return;
    }

    for (size_t i = 0; i + 1 < rds_len(pairs); i += 2) {
        const char  *name = rds_text(rds_at(pairs, i));
        const char  *no = rds_text(rds_at(pairs, i + 1));

        if (name != NULL && no != NULL) {
            lease_add(&of->fresh, name, no);
        }
    }

    snprintf(of->cursor, sizeof(of->cursor), "%s", cursor);
    of->reads = strcmp(cursor, "0") != 0;
    if (!of->reads) {
        lease_compare(of, pause_ms);
    }
}


/* Reads the lists of all shards, a page of each at a time. */
static bool
lease_read(struct settle *settle, int64_t pause_ms)
{
    int          reading;
    bool         failed = false;
    char         key[SETTLE_NAME_MAX];
    const char  *argv[] = { "HSCAN", key, NULL, "COUNT", LEASE_COUNT };

    do {
        reading = 0;
        for (int shard = 0; shard < settle->shards; shard++) {
            struct settle_leases  *of = &settle->leases[shard];

            if (!of->reads) {
                continue;
            }
            snprintf(key, sizeof(key), TG_KEY_LEASES_FMT, (unsigned) shard);
            argv[2] = of->cursor;
            if (!rds_append(settle->rds, 5, argv)) {
                return settle_redis_failed(settle, "read leases");
            }
        }

        for (int shard = 0; shard < settle->shards; shard++) {
            struct settle_leases  *of = &settle->leases[shard];

            if (!of->reads) {
                continue;
            }
            RDS_REPLY reply = rds_next(settle->rds);
            if (reply == NULL && !failed) {
                failed = true;
                settle_redis_failed(settle, "read leases");
            }
            lease_page(of, reply, pause_ms);
            reading += of->reads;
        }
        role_beat(ROLE_SETTLE);

    } while (reading > 0 && !loop_stopping());

    return rds_connected(settle->rds);
}


/* Asks for one to be taken back, if its number is still that. */
static bool
lease_send(struct settle *settle, unsigned shard, const struct lease *lease)
{
    char          name[SETTLE_NAME_MAX], wallet[SETTLE_NAME_MAX + 32];
    char          ledger[SETTLE_NAME_MAX], leases[SETTLE_NAME_MAX], no[24];
    char         *rest = name;
    const char   *argv[] = { "EVALSHA", rds_sha("reclaim"), "3", wallet,
                             ledger, leases, name, NULL, NULL, no };

    snprintf(name, sizeof(name), "%s", lease->name);
    strsep(&rest, " ");
    argv[7] = strsep(&rest, " ");
    argv[8] = rest;
    if (rest == NULL) {
        argv[7] = argv[8] = "";    /* a field that no lease has */
    }

    snprintf(wallet, sizeof(wallet), TG_KEY_WALLET_FMT, shard, name);
    snprintf(ledger, sizeof(ledger), TG_KEY_LEDGER_FMT, shard);
    snprintf(leases, sizeof(leases), TG_KEY_LEASES_FMT, shard);
    snprintf(no, sizeof(no), "%" PRId64, lease->no);

    return rds_append(settle->rds, 10, argv);
}


/* Of those that were read since then; what is left comes in a later turn. */
static bool
lease_send_due(struct settle *settle, int64_t since_ms)
{
    int      all = 0;
    int64_t  longest_ms = settle->conf->settle_lease_reclaim;

    for (int shard = 0; shard < settle->shards; shard++) {
        struct settle_leases     *of = &settle->leases[shard];
        const struct lease_list  *known = &of->known;

        of->sent = 0;
        for (size_t i = 0; known->read_ms >= since_ms && i < known->count
                           && all < LEASE_BATCH; i++)
        {
            if (known->read_ms - known->leases[i].since_ms < longest_ms) {
                continue;
            }
            if (!lease_send(settle, (unsigned) shard, &known->leases[i])) {
                return settle_redis_failed(settle, "take leases back");
            }
            of->sent++;
            all++;
        }
    }

    return true;
}


static bool
lease_note(struct settle *settle, int shard, int reclaimed)
{
    char         stream[SETTLE_NAME_MAX], leases[24];
    const char  *params[] = { stream, leases };

    snprintf(stream, sizeof(stream), TG_KEY_LEDGER_FMT, (unsigned) shard);
    snprintf(leases, sizeof(leases), "%d", reclaimed);
    log_warn("%d leases of %s were taken back: their hosts are not heard of",
             reclaimed, stream);

    return pg_do(settle->pg, "ledger.lease_reclaimed", 2, params)
           || settle_failed(settle, "note that leases were taken back");
}


static bool
lease_reclaim(struct settle *settle, int64_t since_ms)
{
    bool  ok = true;

    if (!lease_send_due(settle, since_ms)) {
        return false;
    }

    for (int shard = 0; shard < settle->shards; shard++) {
        int  reclaimed = 0;

        for (int i = 0; i < settle->leases[shard].sent; i++) {
            RDS_REPLY reply = rds_next(settle->rds);

            if (reply == NULL && !rds_connected(settle->rds)) {
                return settle_redis_failed(settle, "take leases back");
            }
            reclaimed += rds_int(reply) == 1;
        }
        ok = (reclaimed == 0 || lease_note(settle, shard, reclaimed)) && ok;
    }

    return ok;
}


bool
settle_lease(struct settle *settle)
{
    int64_t  start_ms = lease_now_ms();
    int64_t  pause_ms = settle->conf->settle_lease_reclaim / LEASE_PARTS;

    if (loop_now_ms() < settle->lease_at_ms) {
        return true;
    }

    pause_ms = pause_ms < LEASE_MIN_MS ? LEASE_MIN_MS
               : pause_ms > LEASE_MAX_MS ? LEASE_MAX_MS : pause_ms;
    settle->lease_at_ms = loop_now_ms() + pause_ms;

    if (settle->leases == NULL) {
        settle->leases = calloc((size_t) settle->shards,
                                sizeof(*settle->leases));
        if (settle->leases == NULL) {
            die("out of memory");
        }
    }

    for (int i = 0; i < settle->count; i++) {
        const struct settle_stream  *stream = &settle->streams[i];

        if (stream->kind == SETTLE_LEDGER && stream->shard != -1
            && stream->sound)
        {
            struct settle_leases  *of = &settle->leases[stream->shard];

            lease_clear(&of->fresh);
            of->fresh.read_ms = start_ms;
            of->reads = true;
            snprintf(of->cursor, sizeof(of->cursor), "0");
        }
    }

    return lease_read(settle, pause_ms) && lease_reclaim(settle, start_ms);
}


void
settle_lease_free(struct settle *settle)
{
    for (int shard = 0; settle->leases != NULL && shard < settle->shards;
         shard++)
    {
        lease_clear(&settle->leases[shard].known);
        lease_clear(&settle->leases[shard].fresh);
    }
    free(settle->leases);
}
