/*
 * settle_expire.c: ends what is due by the clock alone: holds that nobody
 * settled, credits that end or begin.
 *
 * Each script decides on every wallet by itself, so that it does no harm if
 * two do this for one shard; who owns the shard's stream does it.
 */

#include <stdio.h>
#include <stdlib.h>

#include "key_names.h"
#include "log.h"
#include "loop.h"
#include "settle.h"


#define EXPIRE_MS      1000
#define EXPIRE_BATCH   "200"    /* of a shard, at a time */


/* What is due of a shard: a set, the script for it, and what it did. */
static const struct {
    const char  *script;
    const char  *set;
    bool         marks;         /* it wants the prefix of markers */
    const char  *did;
} expire_rounds[] = {
    { "expire", TG_KEY_HOLDS_FMT,  true,  "holds of %s ran out" },
    { "lapse",  TG_KEY_LAPSES_FMT, false, "wallets of %s had credits due" },
};

#define EXPIRE_ROUNDS  (sizeof(expire_rounds) / sizeof(expire_rounds[0]))


static bool
expire_send(struct settle *settle, size_t round, unsigned shard,
    const char *ledger)
{
    int          n = 0;
    char         set[SETTLE_NAME_MAX], wallets[SETTLE_NAME_MAX];
    char         markers[SETTLE_NAME_MAX];
    const char  *argv[8];

    snprintf(set, sizeof(set), expire_rounds[round].set, shard);
    snprintf(wallets, sizeof(wallets), TG_KEY_WALLET_FMT, shard, "");
    snprintf(markers, sizeof(markers), TG_KEY_REFUND_FMT, shard, "");

    argv[n++] = "EVALSHA";
    argv[n++] = rds_sha(expire_rounds[round].script);
    argv[n++] = "2";
    argv[n++] = set;
    argv[n++] = ledger;
    argv[n++] = wallets;
    if (expire_rounds[round].marks) {
        argv[n++] = markers;
    }
    argv[n++] = EXPIRE_BATCH;

    return rds_append(settle->rds, n, argv);
}


/* The shard of a ledger stream, or -1 for another stream. */
static int
expire_shard(const struct settle_stream *stream)
{
    unsigned  shard;

    return stream->kind == SETTLE_LEDGER
           && sscanf(stream->name, TG_KEY_LEDGER_FMT, &shard) == 1
           ? (int) shard : -1;
}


static bool
expire_send_all(struct settle *settle)
{
    int  shard;

    for (int i = 0; i < settle->count; i++) {
        shard = expire_shard(&settle->streams[i]);

        for (size_t round = 0; shard != -1 && round < EXPIRE_ROUNDS; round++) {
            if (!expire_send(settle, round, (unsigned) shard,
                             settle->streams[i].name))
            {
                return false;
            }
        }
    }

    return true;
}


/* Where a shard has more than a batch of them it goes on in the next turn. */
static bool
expire_took(struct settle *settle, size_t round, const char *stream)
{
    char       did[SETTLE_NAME_MAX + 64];
    RDS_REPLY  reply = rds_next(settle->rds);

    if (reply == NULL) {
        return false;
    }

    if (rds_int(rds_at(reply, 1)) > 0) {
        snprintf(did, sizeof(did), expire_rounds[round].did, stream);
        log_debug("%lld %s", (long long) rds_int(rds_at(reply, 1)), did);
    }
    if (rds_int(rds_at(reply, 0)) >= strtoll(EXPIRE_BATCH, NULL, 10)) {
        settle->expire_at_ms = 0;
    }

    return true;
}


bool
settle_expire(struct settle *settle)
{
    bool  failed = false;

    if (loop_now_ms() < settle->expire_at_ms) {
        return true;
    }
    settle->expire_at_ms = loop_now_ms() + EXPIRE_MS;

    if (!expire_send_all(settle)) {
        return settle_redis_failed(settle, "end what is due");
    }

    for (int i = 0; i < settle->count; i++) {
        if (expire_shard(&settle->streams[i]) == -1) {
            continue;
        }

        for (size_t round = 0; round < EXPIRE_ROUNDS; round++) {
            if (!expire_took(settle, round, settle->streams[i].name)
                && !failed)
            {
                settle_redis_failed(settle, "end what is due");
                failed = true;
            }
        }
    }

    return rds_connected(settle->rds);
}
