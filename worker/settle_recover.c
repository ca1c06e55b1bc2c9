/*
 * settle_recover.c: makes wallets again from the ledger, under a new epoch.
 *
 * A wallet is closed to requests and its events are settled; then Postgres
 * says what it has to be, and a script makes it that if it is still as it was
 * found.  The script's event ends the recovery when it is settled.  Each step
 * may be the last of a process: the next one begins with the first.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "key_names.h"
#include "log.h"
#include "loop.h"
#include "role.h"
#include "settle.h"


#define RECOVER_PAGE   "2000"   /* wallets at a time */
#define RECOVER_TRIES  5       /* in a row, where wallets move meanwhile */

const char  settle_seen_columns[] =
    "account, epoch, seq, avail, held, cmd, applied, recovery";

/* Columns of ledger.recover_due(). */
enum { DUE_ACCOUNT, DUE_SHARD, DUE_EPOCH, DUE_RECOVERY, DUE_GONE };

/* Columns of ledger.recover_plan(); those between are reseat.lua's arguments. */
enum { PLAN_ACCOUNT, PLAN_SHARD, PLAN_RECOVERY };

#define PLAN_COLUMNS  14
#define RESEAT_KEYS   3
#define RESEAT_WORDS  (3 + RESEAT_KEYS + 1 + PLAN_COLUMNS - PLAN_RECOVERY)


static struct settle_stream *
recover_stream(struct settle *settle, int shard)
{
    for (int i = 0; i < settle->count; i++) {
        if (settle->streams[i].shard == shard) {
            return &settle->streams[i];
        }
    }

    return NULL;
}


/* The shards that are worked on, as an array of Postgres. */
static void
recover_shards(const struct settle *settle, const struct settle_stream *only,
    struct rows *list)
{
    int   n;
    char  text[16];

    rows_raw(list, "{", 1);
    for (int i = 0; i < settle->count; i++) {
        const struct settle_stream  *stream = &settle->streams[i];

        if (stream == only || (only == NULL && stream->sound
                               && stream->shard != -1))
        {
            n = snprintf(text, sizeof(text), "%s%d", list->len > 1 ? "," : "",
                         stream->shard);
            rows_raw(list, text, (size_t) n);
        }
    }
    rows_raw(list, "}", sizeof("}"));
}


/* Asks what a wallet is; of one that is gone that is known for less. */
static bool
recover_ask(struct settle *settle, const pg_result_t *due, int row, bool gone)
{
    char         wallet[SETTLE_NAME_MAX];
    const char  *exists[] = { "EXISTS", wallet };
    const char  *close[] = { "EVALSHA", rds_sha("close"), "1", wallet,
                             pg_value(due, row, DUE_EPOCH) };

    snprintf(wallet, sizeof(wallet), TG_KEY_WALLET_FMT,
             (unsigned) atoi(pg_value(due, row, DUE_SHARD)),
             pg_value(due, row, DUE_ACCOUNT));

    return rds_append(settle->rds, gone ? 2 : 5, gone ? exists : close)
           || settle_redis_failed(settle, "close wallets");
}


/* Keeps what a wallet is; what was found is no array where it is gone. */
static void
recover_keep(struct settle *settle, const pg_result_t *due, int row,
    const rds_reply_t *found)
{
    const char  *account = pg_value(due, row, DUE_ACCOUNT);
    const char  *recovery = pg_value(due, row, DUE_RECOVERY);

    rows_text(&settle->seen, account, strlen(account));
    for (size_t i = 0; i < SETTLE_SEEN_FIELDS; i++) {
        const char  *text = rds_text(rds_at(found, i));

        if (text == NULL || strcmp(text, "-") == 0) {
            rows_null(&settle->seen);
        } else {
            rows_text(&settle->seen, text, strlen(text));
        }
    }
    rows_null(&settle->seen);
    rows_text(&settle->seen, recovery, strlen(recovery));
    rows_end(&settle->seen);
}


/*
 * Closes the wallets and keeps what they are in settle->seen.  Of those that
 * are probably gone it is asked whether they are, if that is trusted; where
 * one is there it goes on without.
 */
static bool
recover_close(struct settle *settle, const pg_result_t *due, bool trust)
{
    bool  there = false;

    for (int row = 0; row < pg_rows(due); row++) {
        if (!recover_ask(settle, due, row,
                         trust && pg_value(due, row, DUE_GONE)[0] == 't'))
        {
            return false;
        }
    }

    rows_cut(&settle->seen, 0);
    for (int row = 0; row < pg_rows(due); row++) {
        RDS_REPLY found = rds_next(settle->rds);

        if (found == NULL) {
            settle_redis_failed(settle, "close a wallet");
            if (!rds_connected(settle->rds)) {
                return false;
            }
            continue;
        }

        there = there || rds_int(found) == 1;
        recover_keep(settle, due, row, found);
    }

    return !there || recover_close(settle, due, false);
}


/* Settles what the shards of these wallets have in their streams. */
static bool
recover_drain(struct settle *settle, const pg_result_t *due)
{
    int                    last = -1, shard;
    struct settle_stream  *stream;

    for (int row = 0; row < pg_rows(due); row++) {
        shard = atoi(pg_value(due, row, DUE_SHARD));
        stream = shard != last ? recover_stream(settle, shard) : NULL;
        last = shard;
        if (stream != NULL && !settle_drain(settle, stream)) {
            return false;
        }
    }

    return true;
}


/* What the wallets have to become; NULL on failure. */
static pg_result_t *
recover_plan(struct settle *settle)
{
    pg_result_t  *plan;

    if (pg_begin(settle->pg)
        && pg_copy(settle->pg, "recover_seen", settle_seen_columns,
                   settle->seen.text, settle->seen.len))
    {
        plan = pg_call(settle->pg, "ledger.recover_plan", 0, NULL);
        if (plan != NULL && pg_commit(settle->pg)) {
            return plan;
        }
        pg_clear(plan);
    }

    settle_failed(settle, "plan a recovery");
    pg_rollback(settle->pg);

    return NULL;
}


static bool
recover_send(struct settle *settle, const pg_result_t *plan, int row)
{
    int          n = 0;
    char         wallet[SETTLE_NAME_MAX], ledger[SETTLE_NAME_MAX];
    char         holds[SETTLE_NAME_MAX];
    unsigned     shard = (unsigned) atoi(pg_value(plan, row, PLAN_SHARD));
    const char  *argv[RESEAT_WORDS];

    snprintf(wallet, sizeof(wallet), TG_KEY_WALLET_FMT, shard,
             pg_value(plan, row, PLAN_ACCOUNT));
    snprintf(ledger, sizeof(ledger), TG_KEY_LEDGER_FMT, shard);
    snprintf(holds, sizeof(holds), TG_KEY_HOLDS_FMT, shard);

    argv[n++] = "EVALSHA";
    argv[n++] = rds_sha("reseat");
    argv[n++] = "3";
    argv[n++] = wallet;
    argv[n++] = ledger;
    argv[n++] = holds;
    argv[n++] = pg_value(plan, row, PLAN_ACCOUNT);
    for (int column = PLAN_RECOVERY; column < PLAN_COLUMNS; column++) {
        argv[n++] = pg_value(plan, row, column);
    }

    return rds_append(settle->rds, n, argv)
           || settle_redis_failed(settle, "make wallets again");
}


/* How many of the wallets were made again, or -1. */
static int
recover_seat(struct settle *settle, const pg_result_t *plan)
{
    int  done = 0;

    for (int row = 0; row < pg_rows(plan); row++) {
        if (!recover_send(settle, plan, row)) {
            return -1;
        }
    }

    for (int row = 0; row < pg_rows(plan); row++) {
        RDS_REPLY reply = rds_next(settle->rds);

        if (reply == NULL) {
            log_error("the wallet of account %s can't be made again: %s",
                      pg_value(plan, row, PLAN_ACCOUNT),
                      rds_error(settle->rds));
            if (!rds_connected(settle->rds)) {
                return -1;
            }
        }
        done += rds_int(reply) >= 0;
    }

    return done;
}


/* A page of them; how many were made again, 0 if none is due, or -1. */
static int
recover_page(struct settle *settle, const char *shards, bool *any)
{
    int          done;
    const char  *params[] = { shards, RECOVER_PAGE };

    PG_RESULT due = pg_call(settle->pg, "ledger.recover_due", 2, params);

    if (due == NULL) {
        settle_failed(settle, "read what is to be made again");
        return -1;
    }

    *any = pg_rows(due) > 0;
    if (!*any) {
        return 0;
    }

    if (!recover_close(settle, due, true) || !recover_drain(settle, due)) {
        return -1;
    }
    if (settle->seen.len == 0) {
        *any = false;
        return 0;
    }

    PG_RESULT plan = recover_plan(settle);

    if (plan == NULL) {
        return -1;
    }
    done = recover_seat(settle, plan);
    role_beat(ROLE_SETTLE);
    if (done > 0) {
        log_info("%d wallets were made again from the ledger", done);
    }

    return done == -1 || recover_drain(settle, due) ? done : -1;
}


/*
 * Makes all wallets again that have to be, of a shard or of all that are
 * sound.  Those that move all the time are left for the next time, unless the
 * shard has to be whole.
 */
bool
settle_recover(struct settle *settle, struct settle_stream *only)
{
    int          done = 1;
    bool         any = true;
    struct rows  shards = { 0 };

    recover_shards(settle, only, &shards);

    for (int tries = 0; any && done != -1 && tries < RECOVER_TRIES
                        && !loop_stopping(); )
    {
        done = recover_page(settle, shards.text, &any);
        tries = done > 0 ? 0 : tries + 1;
    }
    rows_free(&shards);

    return done != -1 && !(only != NULL && any);
}
