/*
 * api_verify.c: proves that Redis and the ledger hold the same credits.
 *
 * For each account: avail + held in Redis = the ledger's balance - commands
 * that Redis hasn't applied + events that aren't settled; and the cheque
 * register goes on without a gap from the last settled event to the wallet.
 * What the wallet holds is what the records of its holds say.
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api.h"
#include "api_verify.h"
#include "key_names.h"
#include "log.h"
#include "loop.h"


#define VERIFY_TRIES    10
#define VERIFY_PAGE     100
#define VERIFY_MICRO    1000000

/* What the ledger knows, and what lies between it and Redis. */
struct verify_side {
    int64_t  epoch;
    int64_t  last_seq;
    int64_t  avail;         /* after the last settled event */
    int64_t  held;
    int64_t  balance;
    int64_t  unapplied;     /* sum of commands that Redis hasn't applied */
    int64_t  unsettled;     /* sum of charges and refunds not settled */
    int64_t  registered;    /* sum of all events not settled */
    bool     gap;
};

enum verify_outcome { VERIFY_DONE, VERIFY_AGAIN, VERIFY_FAILED };


static json_t *
verify_credits(int64_t micro)
{
    int       n;
    char      text[32];
    uint64_t  size = micro < 0 ? -(uint64_t) micro : (uint64_t) micro;

    n = snprintf(text, sizeof(text), "%s%" PRIu64 ".%06" PRIu64,
                 micro < 0 ? "-" : "", size / VERIFY_MICRO,
                 size % VERIFY_MICRO);
    while (text[n - 1] == '0') {
        n--;
    }
    if (text[n - 1] == '.') {
        n--;
    }

    return json_stringn(text, (size_t) n);
}


static void
verify_differs(struct verify *verify, const char *account, int64_t redis,
    int64_t ledger, const char *reason)
{
    json_array_append_new(verify->differences,
        json_pack("{s:s, s:o, s:o, s:s}", "account", account,
                  "redis", verify_credits(redis),
                  "ledger", verify_credits(ledger), "reason", reason));
}


/* The integer of a member, whether it is written as one or as a text. */
static int64_t
verify_member(const json_t *object, const char *name)
{
    const json_t  *value = json_object_get(object, name);

    return json_is_string(value) ? strtoll(json_string_value(value), NULL, 10)
                                 : json_integer_value(value);
}


/* Adds up the events between the ledger and the wallet. */
static void
verify_add_up(struct verify_side *side, const struct verify_events *events,
    const struct verify_wallet *wallet)
{
    int64_t  next = side->last_seq + 1;

    for (size_t i = 0; i < events->count; i++) {
        const struct verify_event  *event = &events->list[i];

        if (event->seq <= side->last_seq || event->seq > wallet->seq) {
            continue;
        }

        side->gap = side->gap || event->seq != next;
        next = event->seq + 1;
        side->registered += event->delta;
        side->unsettled += event->command ? 0 : event->delta;
    }

    side->gap = side->gap || next != wallet->seq + 1;
}


/* What the ledger knows at one moment, after the one of Redis. */
static bool
verify_read_ledger(struct verify *verify, const char *account,
    const struct verify_wallet *wallet, struct verify_side *side)
{
    bool         ok = false;
    size_t       i;
    json_t      *known, *command;
    const char  *params[] = { account };

    if (!pg_begin_snapshot(verify->pg)) {
        return false;
    }
    PG_RESULT result = pg_call(verify->pg, "ledger.verify_side", 1, params);

    known = result != NULL && pg_value(result, 0, 0) != NULL
            ? json_loads(pg_value(result, 0, 0), 0, NULL) : NULL;
    pg_rollback(verify->pg);

    if (json_is_object(known)) {
        *side = (struct verify_side) {
            .epoch = verify_member(known, "epoch"),
            .last_seq = verify_member(known, "last_seq"),
            .avail = verify_member(known, "avail"),
            .held = verify_member(known, "held"),
            .balance = verify_member(known, "balance"),
        };
        json_array_foreach(json_object_get(known, "unapplied"), i, command) {
            if (verify_member(command, "no") > wallet->cmd) {
                side->unapplied += verify_member(command, "delta");
            }
        }
        ok = true;
    }
    json_decref(known);

    return ok;
}


static bool
verify_cursor(struct verify *verify, const char *account, char *cursor,
    size_t size)
{
    char         stream[64];
    const char  *params[] = { stream };

    snprintf(stream, sizeof(stream), TG_KEY_LEDGER_FMT,
             verify_shard(verify, account));
    PG_RESULT result = pg_call(verify->pg, "ledger.cursor", 1, params);

    if (result == NULL || pg_value(result, 0, 0) == NULL) {
        return false;
    }
    snprintf(cursor, size, "%s", pg_value(result, 0, 0));

    return true;
}


static void
verify_compare(struct verify *verify, const char *account,
    const struct verify_wallet *wallet, const struct verify_side *side)
{
    int64_t  redis = wallet->avail + wallet->held;
    int64_t  ledger = side->balance - side->unapplied + side->unsettled;
    int64_t  registered = side->avail + side->held + side->registered;

    if (!wallet->exists) {
        /* The first command, when it comes, makes the wallet. */
        if (ledger != 0 || side->last_seq != 0) {
            verify_differs(verify, account, 0, ledger, "wallet_missing");
        }
        return;
    }

    if (wallet->epoch != side->epoch) {
        verify_differs(verify, account, redis, ledger, "epoch");
    } else if (side->gap) {
        verify_differs(verify, account, redis, ledger, "register_gap");
    } else if (registered != redis) {
        verify_differs(verify, account, redis, registered, "register");
    } else if (ledger != redis) {
        verify_differs(verify, account, redis, ledger, "balance");
    } else if (wallet->held != wallet->records) {
        verify_differs(verify, account, wallet->held, wallet->records,
                       "holds");
    }
}


/*
 * Redis is read before the ledger, so the ledger may know more; then what it
 * knows of this account tells, and the account is read again.  An event that
 * is missing because it was settled and trimmed is one that the ledger knows.
 * Without events to look at this proves an account that is settled.
 */
static enum verify_outcome
verify_try(struct verify *verify, const char *account, bool with_events)
{
    char                  cursor[64] = "";
    struct verify_side    side;
    struct verify_events  events = { 0 };
    struct verify_wallet  wallet;
    enum verify_outcome   outcome = VERIFY_FAILED;

    if ((with_events
         && !verify_cursor(verify, account, cursor, sizeof(cursor)))
        || !verify_read_wallet(verify, account, &wallet)
        || (with_events
            && !verify_read_events(verify, account, cursor, &wallet, &events))
        || !verify_read_ledger(verify, account, &wallet, &side))
    {
        goto done;
    }

    outcome = VERIFY_AGAIN;
    if (side.epoch == wallet.epoch
        && (side.last_seq > wallet.seq
            || (side.last_seq < wallet.seq && !with_events)))
    {
        goto done;
    }

    verify_add_up(&side, &events, &wallet);
    verify_compare(verify, account, &wallet, &side);
    outcome = VERIFY_DONE;

done:

    free(events.list);

    return outcome;
}


static bool
verify_account(struct verify *verify, const char *account)
{
    enum verify_outcome  outcome = VERIFY_AGAIN;

    for (int i = 0; i < VERIFY_TRIES && outcome == VERIFY_AGAIN; i++) {
        outcome = verify_try(verify, account, i > 0);
    }

    if (outcome == VERIFY_AGAIN) {
        verify_differs(verify, account, 0, 0, "register_ahead");
    }
    verify->accounts++;

    return outcome != VERIFY_FAILED;
}


/* All accounts, in pages. */
static bool
verify_accounts(struct verify *verify)
{
    bool         ok, more;
    size_t       i;
    char        *text;
    json_t      *page, *account, *args;

    args = json_pack("{s:i, s:s}", "limit", VERIFY_PAGE, "_actor", "operator");

    do {
        text = json_dumps(args, JSON_COMPACT);

        const char  *params[] = { text };
        PG_RESULT result = pg_call(verify->pg, "api.account_list", 1, params);

        free(text);
        page = result != NULL && pg_value(result, 0, 0) != NULL
               ? json_loads(pg_value(result, 0, 0), 0, NULL) : NULL;
        ok = page != NULL;

        json_array_foreach(json_object_get(page, "data"), i, account) {
            const char  *id = json_string_value(json_object_get(account,
                                                                "id"));

            ok = ok && id != NULL && verify_account(verify, id);
        }

        ok = ok && !loop_stopping();
        json_object_set(args, "cursor", json_object_get(page, "next_cursor"));
        more = json_is_true(json_object_get(page, "has_more"));
        json_decref(page);

    } while (ok && more);

    json_decref(args);

    return ok;
}


static bool
verify_shards(struct verify *verify)
{
    const char  *params[] = { "shards" };
    PG_RESULT result = pg_ready(verify->pg)
                       ? pg_call(verify->pg, "lib.setting", 1, params) : NULL;

    verify->shards = result != NULL && pg_value(result, 0, 0) != NULL
                     ? atol(pg_value(result, 0, 0)) : 0;

    return verify->shards > 0;
}


/* The accounts that were asked for; an unknown one is an error of SQL. */
static bool
verify_wanted(struct verify *verify, const json_t *args)
{
    bool          known;
    char         *text;
    const char   *params[1];
    const char   *account;

    if (json_object_get(args, "account") == NULL) {
        return verify_accounts(verify);
    }

    text = json_dumps(args, JSON_COMPACT);
    params[0] = text;
    known = pg_do(verify->pg, "api.account_get", 1, params);
    free(text);
    account = json_string_value(json_object_get(args, "account"));

    return known && account != NULL && verify_account(verify, account);
}


/* Answers with the totals of the ledger and what was found. */
static bool
verify_answer(struct verify *verify, struct api_answer *answer)
{
    bool     ok;
    json_t  *totals, *assets;
    PG_RESULT result = pg_call(verify->pg, "ledger.verify_totals", 0, NULL);

    if (result == NULL || pg_value(result, 0, 0) == NULL) {
        return false;
    }

    totals = json_loads(pg_value(result, 0, 0), 0, NULL);
    ok = json_array_size(verify->differences) == 0
         && json_is_true(json_object_get(totals, "ok"));
    assets = json_incref(json_object_get(totals, "assets"));
    api_reply(answer, 200,
              json_pack("{s:b, s:I, s:O, s:o}", "ok", ok,
                        "accounts", (json_int_t) verify->accounts,
                        "differences", verify->differences,
                        "assets", assets ? assets : json_array()));
    json_decref(totals);

    return true;
}


void
api_verify(const struct conf *conf, pg_t *pg, const json_t *args,
    struct api_answer *answer)
{
    bool           ok;
    struct verify  verify = { .pg = pg, .rds = rds_new(conf),
                              .differences = json_array() };

    ok = verify_shards(&verify) && verify_wanted(&verify, args)
         && verify_answer(&verify, answer);

    if (!ok && rds_error(verify.rds)[0] != '\0') {
        log_error("verify failed: %s", rds_error(verify.rds));
        api_problem(answer, 503, "store_unreachable",
                    "redis can't be reached", NULL);
    } else if (!ok) {
        api_problem_of_pg(answer, pg, "verify");
    }

    json_decref(verify.differences);
    rds_free(verify.rds);
}
