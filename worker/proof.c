/*
 * proof.c: checks without end that Redis and the ledger agree.
 *
 * Accounts with postings first, each second; all accounts in a round, page by
 * page, spread over the time that a round may take.  What differs is frozen,
 * that account alone.  One process does it at a time, through an advisory
 * lock of its session in Postgres.
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "locks.h"
#include "log.h"
#include "loop.h"
#include "role.h"
#include "verify.h"


#define PROOF_RECENT_MS  1000
#define PROOF_OWN_MS     1000    /* between tries for what another owns */

struct proof {
    const struct conf      *conf;
    struct verify           verify;
    struct verify_account  *accounts;     /* room for a page */
    bool                    owner;
    bool                    known;        /* where the round is */
    unsigned                shard;        /* of the account looked at last */
    char                    after[VERIFY_ACCOUNT_LEN + 1];
    int64_t                 total;
    int64_t                 txn;          /* the newest posting looked at */
    int64_t                 recent_at_ms;
    int64_t                 page_at_ms;
};

static bool proof_turn(struct proof *proof);


void
proof_run(const struct conf *conf)
{
    int           backoff = 0;
    struct proof  proof = {
        .conf = conf,
        .verify = {
            .pg = pg_new(conf->postgres_dsn, "proof", ROLE_POSTGRES,
                         conf->postgres_timeout),
            .rds = rds_new(conf),
        },
        .accounts = calloc(VERIFY_PAGE, sizeof(*proof.accounts)),
    };

    if (proof.accounts == NULL) {
        die("out of memory");
    }

    while (!loop_stopping()) {
        role_beat(ROLE_PROOF);

        if (proof_turn(&proof)) {
            backoff = 0;
            continue;
        }

        pg_drop(proof.verify.pg);
        rds_drop(proof.verify.rds);
        proof.owner = false;
        proof.known = false;
        loop_backoff(&backoff, ROLE_BACKOFF_MS);
    }

    pg_free(proof.verify.pg);
    rds_free(proof.verify.rds);
    free(proof.accounts);
}


static bool
proof_failed(const struct proof *proof, const char *what)
{
    if (pg_error(proof->verify.pg)->message[0] != '\0') {
        log_error("%s failed: %s", what, pg_error(proof->verify.pg)->message);
    }

    return false;
}


/* One at a time: a second one would only find the same. */
static bool
proof_own(struct proof *proof)
{
    const char  *params[] = { LOCK_CLASS_PROOF, "0" };
    PG_RESULT result = pg_call(proof->verify.pg, "pg_try_advisory_lock", 2,
                               params);

    if (result == NULL) {
        return proof_failed(proof, "lock");
    }
    proof->owner = pg_value(result, 0, 0)[0] == 't';

    return true;
}


/* Where a process before this one was in the round. */
static bool
proof_resume(struct proof *proof)
{
    PG_RESULT result = pg_call(proof->verify.pg, "ledger.proof_state", 0,
                               NULL);

    if (result == NULL || pg_rows(result) != 1) {
        return proof_failed(proof, "read the state of the proof");
    }

    proof->shard = (unsigned) atoi(pg_value(result, 0, 0));
    snprintf(proof->after, sizeof(proof->after), "%s",
             pg_value(result, 0, 1));
    proof->total = atoll(pg_value(result, 0, 2));
    if (proof->txn == 0) {
        proof->txn = atoll(pg_value(result, 0, 3));
    }
    proof->known = true;

    return true;
}


/* Freezes an account, or has what Redis lost made again, and tells. */
static bool
proof_differs(struct proof *proof, const struct verify_account *account)
{
    char         finding[512];
    const char  *params[] = { account->id, finding };

    snprintf(finding, sizeof(finding),
             "{\"reason\":\"%s\",\"redis\":\"%" PRId64 "\",\"ledger\":\"%"
             PRId64 "\",\"epoch\":\"%" PRId64 "\",\"known_epoch\":\"%"
             PRId64 "\",\"seq\":\"%" PRId64
             "\",\"last_seq\":\"%" PRId64 "\"}", account->reason->name,
             account->redis, account->ledger, account->wallet.epoch,
             account->side.epoch,
             account->wallet.seq, account->side.last_seq);

    PG_RESULT result = pg_call(proof->verify.pg, "ledger.proof_differs", 2,
                               params);

    if (result == NULL) {
        return proof_failed(proof, "freeze an account");
    }
    if (strcmp(pg_value(result, 0, 0), "recovers") == 0) {
        log_warn("the wallet of account %s is made again: Redis lost it or a "
                 "part of its history (%s)", account->id,
                 account->reason->name);
    }
    if (strcmp(pg_value(result, 0, 0), "frozen") == 0) {
        log_error("account %s is frozen: Redis and the ledger differ (%s), "
                  "by %" PRId64 " micro-credits", account->id,
                  account->reason->name, account->redis - account->ledger);
        log_hint("tollgate ledger repair %s says what can be done",
                 account->id);
    }

    return true;
}


/* Judges a page; -1 where a side can't be read, else how many moved. */
static int
proof_page(struct proof *proof, int count)
{
    int  moving = 0;

    if (!verify_judge(&proof->verify, proof->accounts, count)) {
        proof_failed(proof, "read the ledger's side");
        return -1;
    }

    for (int i = 0; i < count; i++) {
        moving += proof->accounts[i].state == VERIFY_OPEN;
        if (proof->accounts[i].state == VERIFY_DIFFERS
            && !proof_differs(proof, &proof->accounts[i]))
        {
            return -1;
        }
    }

    return moving;
}


/* Accounts that had postings since the last time. */
static bool
proof_recent(struct proof *proof)
{
    int          count;
    char         text[2][24];
    const char  *params[] = { text[0], text[1] };

    snprintf(text[0], sizeof(text[0]), "%" PRId64, proof->txn);
    snprintf(text[1], sizeof(text[1]), "%d", VERIFY_PAGE);
    PG_RESULT result = pg_call(proof->verify.pg, "ledger.proof_recent", 2,
                               params);

    if (result == NULL) {
        return proof_failed(proof, "read the newest postings");
    }

    count = pg_rows(result);
    for (int i = 0; i < count; i++) {
        verify_name(&proof->verify, &proof->accounts[i],
                    pg_value(result, i, 2));
    }
    if (count > 0) {
        proof->txn = atoll(pg_value(result, 0, 0));
    }

    return proof_page(proof, count) != -1;
}


static bool
proof_note(struct proof *proof, int count, int moving)
{
    bool         whole = count < VERIFY_PAGE;
    char         text[4][24];
    const char  *params[] = { text[0], proof->after, text[1], text[2],
                              whole ? "true" : "false", text[3] };

    snprintf(text[0], sizeof(text[0]), "%u", proof->shard);
    snprintf(text[1], sizeof(text[1]), "%d", count);
    snprintf(text[2], sizeof(text[2]), "%d", moving);
    snprintf(text[3], sizeof(text[3]), "%" PRId64, proof->conf->proof_round);
    if (!pg_do(proof->verify.pg, "ledger.proof_note", 6, params)) {
        return proof_failed(proof, "note a page of the proof");
    }

    /* the next round counts its accounts anew */
    proof->known = !whole;

    return true;
}


/* The next page of the round, and when the one behind it is due. */
static bool
proof_round(struct proof *proof)
{
    int  count, moving;

    count = verify_next(&proof->verify, proof->shard, proof->after,
                        proof->accounts, VERIFY_PAGE);
    moving = count == -1 ? -1 : proof_page(proof, count);
    if (moving == -1) {
        return count != -1 ? false : proof_failed(proof, "read a page");
    }

    if (count > 0) {
        proof->shard = proof->accounts[count - 1].shard;
        memcpy(proof->after, proof->accounts[count - 1].id,
               sizeof(proof->after));
    }
    proof->page_at_ms = loop_now_ms()
                        + (count < proof->total
                           ? proof->conf->proof_round * count / proof->total
                           : proof->conf->proof_round);

    return proof_note(proof, count, moving);
}


static bool
proof_turn(struct proof *proof)
{
    int64_t  now, next;

    if (!verify_ready(&proof->verify)) {
        return false;
    }
    if (!proof->owner) {
        if (!proof_own(proof)) {
            return false;
        }
        if (!proof->owner) {
            loop_wait(-1, 0, PROOF_OWN_MS);
            return true;
        }
    }
    if (!proof->known && !proof_resume(proof)) {
        return false;
    }

    now = loop_now_ms();
    if (now >= proof->recent_at_ms) {
        if (!proof_recent(proof)) {
            return false;
        }
        proof->recent_at_ms = now + PROOF_RECENT_MS;
    }
    if (now >= proof->page_at_ms && !proof_round(proof)) {
        return false;
    }

    next = proof->recent_at_ms < proof->page_at_ms ? proof->recent_at_ms
                                                   : proof->page_at_ms;
    now = loop_now_ms();
    if (next > now) {
        loop_wait(-1, 0, next - now);
    }

    return true;
}
