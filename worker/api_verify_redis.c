/* api_verify_redis.c: wallets and events as Redis has them, for the proof. */

#include <stddef.h>
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


/* Fields of a wallet that are numbers. */
static const struct {
    const char  *name;
    size_t       offset;
} verify_fields[] = {
    { "avail", offsetof(struct verify_wallet, avail) },
    { "cmd",   offsetof(struct verify_wallet, cmd) },
    { "epoch", offsetof(struct verify_wallet, epoch) },
    { "held",  offsetof(struct verify_wallet, held) },
    { "seq",   offsetof(struct verify_wallet, seq) },
};


/* A hold's record begins with its credits. */
static void
verify_take_field(struct verify_wallet *wallet, const char *name,
    const rds_reply_t *value)
{
    if (name == NULL) {
        return;
    }
    if (strncmp(name, "h:", 2) == 0) {
        wallet->records += verify_number(value);
    }

    for (size_t i = 0; i < sizeof(verify_fields) / sizeof(verify_fields[0]);
         i++)
    {
        if (strcmp(name, verify_fields[i].name) == 0) {
            *(int64_t *) ((char *) wallet + verify_fields[i].offset) =
                verify_number(value);
        }
    }
}


/* All of it by one command, so that it is of one moment. */
bool
verify_read_wallet(struct verify *verify, const char *account,
    struct verify_wallet *wallet)
{
    char         key[128];
    const char  *get[] = { "HGETALL", key };

    snprintf(key, sizeof(key), TG_KEY_WALLET_FMT,
             verify_shard(verify, account), account);
    RDS_REPLY fields = rds_ready(verify->rds)
                       ? rds_command(verify->rds, 2, get) : NULL;

    if (fields == NULL) {
        return false;
    }

    *wallet = (struct verify_wallet) { 0 };
    for (size_t i = 0; i + 1 < rds_len(fields); i += 2) {
        verify_take_field(wallet, rds_text(rds_at(fields, i)),
                          rds_at(fields, i + 1));
    }
    wallet->exists = wallet->epoch != 0;

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
