/*
 * settle_expire.c: gives back what is held for requests that nobody settled.
 *
 * The script decides each hold by itself, so that it does no harm if two do
 * this for one shard; who owns the shard's stream does it.
 */

#include <stdio.h>
#include <stdlib.h>

#include "key_names.h"
#include "log.h"
#include "loop.h"
#include "settle.h"


#define EXPIRE_MS      1000
#define EXPIRE_BATCH   "200"    /* holds of a shard, at a time */


static bool
expire_send(struct settle *settle, unsigned shard, const char *ledger)
{
    char         holds[SETTLE_NAME_MAX], wallets[SETTLE_NAME_MAX];
    char         markers[SETTLE_NAME_MAX];
    const char  *argv[] = { "EVALSHA", rds_sha("expire"), "2", holds, ledger,
                            wallets, markers, EXPIRE_BATCH };

    snprintf(holds, sizeof(holds), TG_KEY_HOLDS_FMT, shard);
    snprintf(wallets, sizeof(wallets), TG_KEY_WALLET_FMT, shard, "");
    snprintf(markers, sizeof(markers), TG_KEY_REFUND_FMT, shard, "");

    return rds_append(settle->rds, sizeof(argv) / sizeof(argv[0]), argv);
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


/* Where a shard has more than a batch of them it goes on in the next turn. */
bool
settle_expire(struct settle *settle)
{
    bool  failed = false;
    int   shard;

    if (loop_now_ms() < settle->expire_at_ms) {
        return true;
    }
    settle->expire_at_ms = loop_now_ms() + EXPIRE_MS;

    for (int i = 0; i < settle->count; i++) {
        shard = expire_shard(&settle->streams[i]);
        if (shard != -1
            && !expire_send(settle, (unsigned) shard,
                            settle->streams[i].name))
        {
            return settle_redis_failed(settle, "end holds");
        }
    }

    for (int i = 0; i < settle->count; i++) {
        if (expire_shard(&settle->streams[i]) == -1) {
            continue;
        }

        RDS_REPLY reply = rds_next(settle->rds);

        if (reply == NULL) {
            if (!failed) {
                settle_redis_failed(settle, "end holds");
            }
            failed = true;
            continue;
        }
        if (rds_int(rds_at(reply, 1)) > 0) {
            log_debug("%lld holds of %s ran out",
                      (long long) rds_int(rds_at(reply, 1)),
                      settle->streams[i].name);
        }
        if (rds_int(rds_at(reply, 0)) >= strtoll(EXPIRE_BATCH, NULL, 10)) {
            settle->expire_at_ms = 0;
        }
    }

    return rds_connected(settle->rds);
}
