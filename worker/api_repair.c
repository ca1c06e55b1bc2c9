/*
 * api_repair.c: the route that repairs accounts of which Redis and the ledger
 * differ, or says what it would do.
 *
 * SQL decides, by what the proof finds of an account; the settle role makes
 * wallets again; an account that is right after that passes as it did before.
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api.h"
#include "log.h"
#include "loop.h"
#include "verify.h"


#define REPAIR_WAIT_MS  15000    /* for wallets to be made again */
#define REPAIR_LOOK_MS  50

struct repair {
    struct verify           verify;
    struct verify_account  *accounts;     /* room for a page */
    int                     count;
    char                   *args;         /* of the call, as JSON */
    bool                    apply;
    json_t                 *plans;        /* one an account */
};

static const char *const  repair_states[] = {
    [VERIFY_OPEN] = "moving",
    [VERIFY_HOLDS] = "holds",
    [VERIFY_DIFFERS] = "differs",
};


/* The accounts to look at; one that is unknown is an error of SQL. */
static bool
repair_list(struct repair *repair, const char *account)
{
    char         room[16];
    const char  *params[] = { account, room };
    const char  *get[] = { repair->args };

    if (account != NULL
        && !pg_do(repair->verify.pg, "api.account_get", 1, get))
    {
        return false;
    }

    snprintf(room, sizeof(room), "%d", VERIFY_PAGE);
    PG_RESULT result = pg_call(repair->verify.pg, "ledger.repair_accounts", 2,
                               params);

    if (result == NULL) {
        return false;
    }

    repair->count = pg_rows(result);
    for (int i = 0; i < repair->count; i++) {
        verify_name(&repair->verify, &repair->accounts[i],
                    pg_value(result, i, 1));
    }

    return true;
}


/* What the proof found of an account, for SQL. */
static void
repair_finding(const struct verify_account *account, char *text, size_t size)
{
    const char                  *state = repair_states[account->state];
    const struct verify_side    *side = &account->side;
    const struct verify_wallet  *wallet = &account->wallet;

    snprintf(text, size, "{\"state\":\"%s\",\"reason\":\"%s\",\"seq\":%" PRId64
             ",\"avail\":%" PRId64 ",\"held\":%" PRId64 ",\"balance\":%" PRId64
             ",\"unapplied\":%" PRId64 ",\"unsettled\":%" PRId64 "}",
             account->busy ? "busy" : state,
             account->state == VERIFY_DIFFERS ? account->reason->name : "",
             wallet->seq, wallet->avail, wallet->held, side->balance,
             side->unapplied, side->unsettled);
}


static bool
repair_plan(struct repair *repair, const struct verify_account *account)
{
    char         finding[512];
    json_t      *plan;
    const char  *params[] = { repair->args, account->id, finding };

    repair_finding(account, finding, sizeof(finding));
    PG_RESULT result = repair->apply
                       ? pg_call(repair->verify.pg, "ledger.repair_begin", 3,
                                 params)
                       : pg_call(repair->verify.pg, "ledger.repair_plan", 2,
                                 &params[1]);

    if (result == NULL || pg_value(result, 0, 0) == NULL) {
        return false;
    }

    plan = json_loads(pg_value(result, 0, 0), 0, NULL);
    json_object_set_new(plan, "done", json_false());
    json_array_append_new(repair->plans, plan);

    return plan != NULL;
}


static bool
repair_is(const json_t *plan, const char *action)
{
    const char  *have = json_string_value(json_object_get(plan, "action"));

    return have != NULL && strcmp(have, action) == 0;
}


/* Waits until no wallet is being made again, or for long enough. */
static bool
repair_wait(struct repair *repair)
{
    bool         ok, pending = true;
    char        *ids = verify_ids(repair->accounts, repair->count);
    int64_t      end = loop_now_ms() + REPAIR_WAIT_MS;
    const char  *params[] = { ids };

    do {
        PG_RESULT result = pg_call(repair->verify.pg, "ledger.repair_pending",
                                   1, params);

        ok = result != NULL;
        pending = ok && pg_value(result, 0, 0)[0] != '0';
        if (pending) {
            loop_wait(-1, 0, REPAIR_LOOK_MS);
        }

    } while (ok && pending && loop_now_ms() < end && !loop_stopping());

    free(ids);

    return ok;
}


/* Lets those pass that are right now. */
static bool
repair_end(struct repair *repair)
{
    size_t   i;
    json_t  *plan;

    for (int n = 0; n < repair->count; n++) {
        verify_name(&repair->verify, &repair->accounts[n],
                    repair->accounts[n].id);
    }
    if (!repair_wait(repair)
        || !verify_judge(&repair->verify, repair->accounts, repair->count))
    {
        return false;
    }

    json_array_foreach(repair->plans, i, plan) {
        const char  *params[] = { repair->args, repair->accounts[i].id };

        if (repair->accounts[i].state != VERIFY_HOLDS
            || !(repair_is(plan, "recover") || repair_is(plan, "unfreeze")))
        {
            continue;
        }

        PG_RESULT result = pg_call(repair->verify.pg, "ledger.repair_end", 2,
                                   params);

        if (result == NULL) {
            return false;
        }
        json_object_set_new(plan, "state",
                            json_string(pg_value(result, 0, 0)));
        json_object_set_new(plan, "done", json_true());
    }

    return true;
}


static bool
repair_do(struct repair *repair, const json_t *args)
{
    if (!verify_ready(&repair->verify)
        || !repair_list(repair, json_string_value(json_object_get(args,
                                                             "account")))
        || !verify_judge(&repair->verify, repair->accounts, repair->count))
    {
        return false;
    }

    for (int i = 0; i < repair->count; i++) {
        if (!repair_plan(repair, &repair->accounts[i])) {
            return false;
        }
    }

    return !repair->apply || repair_end(repair);
}


/* All is well where nothing was to do, or all of it is done. */
static void
repair_answer(struct repair *repair, struct api_answer *answer)
{
    bool     ok = true;
    size_t   i;
    json_t  *plan;

    json_array_foreach(repair->plans, i, plan) {
        ok = ok && (repair_is(plan, "none")
                    || json_is_true(json_object_get(plan, "done")));
    }

    api_reply(answer, 200,
              json_pack("{s:b, s:b, s:O}", "ok", ok, "applied", repair->apply,
                        "data", repair->plans));
}


static void
repair_run(const struct conf *conf, pg_t *pg, const json_t *args,
    struct api_answer *answer, bool apply)
{
    struct repair  repair = {
        .verify = { .pg = pg, .rds = rds_new(conf) },
        .accounts = calloc(VERIFY_PAGE, sizeof(*repair.accounts)),
        .args = json_dumps(args, JSON_COMPACT),
        .apply = apply,
        .plans = json_array(),
    };

    if (repair.accounts == NULL || repair.args == NULL) {
        die("out of memory");
    }

    if (repair_do(&repair, args)) {
        repair_answer(&repair, answer);
    } else if (rds_error(repair.verify.rds)[0] != '\0') {
        log_error("repair failed: %s", rds_error(repair.verify.rds));
        api_problem(answer, 503, "store_unreachable",
                    "redis can't be reached", NULL);
    } else {
        api_problem_of_pg(answer, pg, "repair");
    }

    json_decref(repair.plans);
    free(repair.args);
    free(repair.accounts);
    rds_free(repair.verify.rds);
}


void
api_repair_plan(const struct conf *conf, pg_t *pg, const json_t *args,
    struct api_answer *answer)
{
    repair_run(conf, pg, args, answer, false);
}


void
api_repair(const struct conf *conf, pg_t *pg, const json_t *args,
    struct api_answer *answer)
{
    repair_run(conf, pg, args, answer, true);
}
