/* api_verify_redis.c: wallets and events as Redis has them, for the proof. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api_verify.h"
#include "key_names.h"
#include "log.h"


#define VERIFY_EVENTS  "1000"    /* of a stream, at a time */


static uint32_t
verify_crc32(const char *text)
{
    uint32_t  crc = UINT32_MAX;

    for ( ; *text != '\0'; text++) {
        crc ^= (unsigned char) *text;
        for (int bit = 0; bit < 8; bit++) {
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
        }
    }

    return ~crc;
}


unsigned
verify_shard(const struct verify *verify, const char *account)
{
    return verify_crc32(account) % (unsigned) verify->shards;
}


static int64_t
verify_number(const rds_reply_t *reply)
{
    return rds_text(reply) ? strtoll(rds_text(reply), NULL, 10) : 0;
}


bool
verify_read_wallet(struct verify *verify, const char *account,
    struct verify_wallet *wallet)
{
    char         key[128];
    const char  *get[] = { "HMGET", key, "epoch", "seq", "avail", "held",
                           "cmd" };

    snprintf(key, sizeof(key), TG_KEY_WALLET_FMT,
             verify_shard(verify, account), account);
    RDS_REPLY fields = rds_ready(verify->rds)
                       ? rds_command(verify->rds, 7, get) : NULL;

    if (rds_len(fields) != 5) {
        return false;
    }

    *wallet = (struct verify_wallet) {
        .exists = rds_text(rds_at(fields, 0)) != NULL,
        .epoch = verify_number(rds_at(fields, 0)),
        .seq = verify_number(rds_at(fields, 1)),
        .avail = verify_number(rds_at(fields, 2)),
        .held = verify_number(rds_at(fields, 3)),
        .cmd = verify_number(rds_at(fields, 4)),
    };

    return true;
}


static const rds_reply_t *
verify_field(const rds_reply_t *entry, const char *name)
{
    const rds_reply_t  *pairs = rds_at(entry, 1);

    for (size_t i = 0; i + 1 < rds_len(pairs); i += 2) {
        const char  *have = rds_text(rds_at(pairs, i));

        if (have != NULL && strcmp(have, name) == 0) {
            return rds_at(pairs, i + 1);
        }
    }

    return NULL;
}


/* Keeps an entry if it is an event of the account. */
static void
verify_keep(struct verify_events *events, const rds_reply_t *entry,
    const char *account)
{
    const char           *name = rds_text(verify_field(entry, "a"));
    const char           *kind = rds_text(verify_field(entry, "k"));
    struct verify_event  *list;

    if (name == NULL || strcmp(name, account) != 0) {
        return;
    }

    list = realloc(events->list, sizeof(*list) * (events->count + 1));
    if (list == NULL) {
        die("out of memory");
    }
    events->list = list;
    list[events->count++] = (struct verify_event) {
        .seq = verify_number(verify_field(entry, "s")),
        .delta = verify_number(verify_field(entry, "d")),
        .command = kind != NULL && strcmp(kind, "command") == 0,
    };
}


/* Events of the account after the cursor, up to the wallet's last. */
bool
verify_read_events(struct verify *verify, const char *account,
    const char *cursor, const struct verify_wallet *wallet,
    struct verify_events *events)
{
    size_t       n;
    char         key[64], after[80];
    const char  *range[] = { "XRANGE", key, after, "+", "COUNT",
                             VERIFY_EVENTS };

    snprintf(key, sizeof(key), TG_KEY_LEDGER_FMT,
             verify_shard(verify, account));
    snprintf(after, sizeof(after), "(%s", cursor);

    do {
        RDS_REPLY page = rds_command(verify->rds, 6, range);

        if (page == NULL) {
            return false;
        }

        n = rds_len(page);
        for (size_t i = 0; i < n; i++) {
            verify_keep(events, rds_at(page, i), account);
            snprintf(after, sizeof(after), "(%.64s",
                     rds_text(rds_at(rds_at(page, i), 0)));
        }

    } while (n == (size_t) atoi(VERIFY_EVENTS)
             && (events->count == 0
                 || events->list[events->count - 1].seq < wallet->seq));

    return true;
}
