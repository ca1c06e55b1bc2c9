/* verify_redis.c: wallets and events as Redis has them, for the proof. */

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "key_names.h"
#include "log.h"
#include "verify.h"


#define VERIFY_EVENTS    1000    /* of a stream, at a time */
#define VERIFY_PIPELINE  500     /* wallets that are asked for at once */


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


void
verify_name(const struct verify *verify, struct verify_account *account,
    const char *id)
{
    char  own[VERIFY_ACCOUNT_LEN + 1];

    snprintf(own, sizeof(own), "%s", id);    /* it may be the account's */
    *account = (struct verify_account) {
        .shard = verify_crc32(own) % (unsigned) verify->shards
    };
    memcpy(account->id, own, sizeof(own));
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


/* A hold's record begins with its credits, that of a lease has them second. */
static void
verify_take_field(struct verify_account *account, const char *name,
    const rds_reply_t *value)
{
    const char            *text = rds_text(value);
    struct verify_wallet  *wallet = &account->wallet;

    if (name == NULL || text == NULL) {
        return;
    }
    if (strncmp(name, "h:", 2) == 0) {
        wallet->records += verify_number(value);
        verify_pockets_held(account, text);
    } else if (strncmp(name, "o:", 2) == 0) {
        wallet->leased += strtoll(text + strcspn(text, " "), NULL, 10);
    } else if (strcmp(name, "pocket") == 0) {
        verify_pockets_head(account, text);
    } else if (strcmp(name, "pockets") == 0) {
        verify_pockets_tail(account, text);
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
static bool
verify_ask_wallet(struct verify *verify, const struct verify_account *account)
{
    char         key[128];
    const char  *get[] = { "HGETALL", key };

    snprintf(key, sizeof(key), TG_KEY_WALLET_FMT, account->shard,
             account->id);

    return rds_append(verify->rds, 2, get);
}


static bool
verify_take_wallet(struct verify *verify, struct verify_account *account)
{
    struct verify_wallet  *wallet = &account->wallet;
    RDS_REPLY fields = rds_next(verify->rds);

    *wallet = (struct verify_wallet) { 0 };
    verify_pockets_forget(account);
    if (fields == NULL) {
        /* something else in its place is no wallet */
        return strncmp(rds_error(verify->rds), "WRONGTYPE ", 10) == 0;
    }

    for (size_t i = 0; i + 1 < rds_len(fields); i += 2) {
        verify_take_field(account, rds_text(rds_at(fields, i)),
                          rds_at(fields, i + 1));
    }
    wallet->records += wallet->leased;
    wallet->exists = wallet->epoch != 0;

    return true;
}


bool
verify_read_wallets(struct verify *verify, struct verify_account *accounts,
    int count)
{
    int  n, to;

    if (!rds_ready(verify->rds)) {
        return false;
    }

    for (int from = 0; from < count; from = to) {
        for (to = from, n = 0; to < count && n < VERIFY_PIPELINE; to++) {
            if (accounts[to].state != VERIFY_OPEN) {
                continue;
            }
            if (!verify_ask_wallet(verify, &accounts[to])) {
                return false;
            }
            n++;
        }
        for (int i = from; i < to; i++) {
            if (accounts[i].state == VERIFY_OPEN
                && !verify_take_wallet(verify, &accounts[i]))
            {
                rds_drop(verify->rds);    /* with the replies to come */
                return false;
            }
        }
    }

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


static int
verify_by_id(const void *id, const void *account)
{
    return strcmp(id, ((const struct verify_account *) account)->id);
}


/* A name of a pocket has a slash, and no part of an item ahead of it has. */
static char *
verify_keep_items(const char *items)
{
    char  *kept;

    if (items == NULL || strchr(items, '/') == NULL) {
        return NULL;
    }
    kept = strdup(items);
    if (kept == NULL) {
        die("out of memory");
    }

    return kept;
}


void
verify_forget_events(struct verify_account *account)
{
    for (size_t i = 0; i < account->count; i++) {
        free(account->events[i].items);
    }
    account->count = 0;
}


/* Keeps an entry if it is an event of an open account; returns that. */
static struct verify_account *
verify_keep(const rds_reply_t *entry, struct verify_account *accounts,
    int count)
{
    const char             *name = rds_text(verify_field(entry, "a"));
    const char             *kind = rds_text(verify_field(entry, "k"));
    const char             *items = rds_text(verify_field(entry, "i"));
    struct verify_account  *account;

    account = name == NULL ? NULL
              : bsearch(name, accounts, (size_t) count, sizeof(*accounts),
                        verify_by_id);
    if (account == NULL || account->state != VERIFY_OPEN) {
        return NULL;
    }

    if (account->count == account->size) {
        account->size = account->size == 0 ? 16 : account->size * 2;
        account->events = realloc(account->events,
                                  sizeof(*account->events) * account->size);
        if (account->events == NULL) {
            die("out of memory");
        }
    }
    account->events[account->count++] = (struct verify_event) {
        .seq = verify_number(verify_field(entry, "s")),
        .delta = verify_number(verify_field(entry, "d")),
        .command = kind != NULL && strcmp(kind, "command") == 0,
        .items = verify_keep_items(items),
    };

    return account;
}


/* Reads on until the end, or until all have the last of their wallet. */
bool
verify_read_events(struct verify *verify, const char *cursor,
    struct verify_account *accounts, int count)
{
    int                     waiting = 0;
    size_t                  n;
    char                    key[64], after[80], most[16];
    const char             *range[] = { "XRANGE", key, after, "+", "COUNT",
                                        most };
    struct verify_account  *of;

    for (int i = 0; i < count; i++) {
        verify_forget_events(&accounts[i]);
        accounts[i].reached = false;
        waiting += accounts[i].state == VERIFY_OPEN;
    }

    snprintf(key, sizeof(key), TG_KEY_LEDGER_FMT, accounts[0].shard);
    snprintf(after, sizeof(after), "(%s", cursor);
    snprintf(most, sizeof(most), "%d", VERIFY_EVENTS);

    do {
        RDS_REPLY page = rds_command(verify->rds, 6, range);

        if (page == NULL) {
            return false;
        }

        n = rds_len(page);
        for (size_t i = 0; i < n; i++) {
            const char  *id = rds_text(rds_at(rds_at(page, i), 0));

            of = verify_keep(rds_at(page, i), accounts, count);
            if (of != NULL && !of->reached
                && of->events[of->count - 1].seq == of->wallet.seq)
            {
                of->reached = true;
                waiting--;
            }
            snprintf(after, sizeof(after), "(%.64s", id != NULL ? id : "");
        }

    } while (n == VERIFY_EVENTS && waiting > 0);

    return true;
}
