/*
 * api_verify.c: the proof as a route: one account or all, and the ledger.
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api.h"
#include "log.h"
#include "loop.h"
#include "verify.h"


#define API_MICRO  1000000

/* Chains of hashes, and how many of their links are looked at a call. */
static const struct {
    const char  *name;
    const char  *most;
} api_chains[] = {
    { "seals", "20" },
    { "audit", "2000" },
};

/* What was compared, in all; whole credits apart, for they may be many. */
struct api_sum {
    int64_t  credits;
    int64_t  micro;
};

enum { API_AVAIL, API_HELD, API_LEASED, API_LEDGER, API_UNAPPLIED,
       API_UNSETTLED, API_SUMS };

static const char *const  api_sums[API_SUMS] = {
    [API_AVAIL]     = "available",
    [API_HELD]      = "held",
    [API_LEASED]    = "leased",
    [API_LEDGER]    = "ledger",
    [API_UNAPPLIED] = "unapplied",
    [API_UNSETTLED] = "unsettled",
};

struct api_proof {
    struct verify          verify;
    struct verify_account *accounts;      /* room for a page */
    int64_t                checked;
    int64_t                moving;
    bool                   chains_hold;
    json_t                *chains;        /* what is broken of each */
    struct api_sum         sums[API_SUMS];
    json_t                *differences;
};


static json_t *
api_sum_json(int64_t credits, int64_t micro)
{
    int       n;
    char      text[48];
    uint64_t  whole, part;

    credits += micro / API_MICRO;
    micro %= API_MICRO;
    if (credits > 0 && micro < 0) {
        credits--;
        micro += API_MICRO;
    } else if (credits < 0 && micro > 0) {
        credits++;
        micro -= API_MICRO;
    }

    whole = credits < 0 ? -(uint64_t) credits : (uint64_t) credits;
    part = (uint64_t) (micro < 0 ? -micro : micro);
    n = snprintf(text, sizeof(text), "%s%" PRIu64 ".%06" PRIu64,
                 credits < 0 || micro < 0 ? "-" : "", whole, part);
    while (text[n - 1] == '0') {
        n--;
    }
    if (text[n - 1] == '.') {
        n--;
    }

    return json_stringn(text, (size_t) n);
}


static void
api_sum_add(struct api_sum *sum, int64_t micro)
{
    sum->credits += micro / API_MICRO;
    sum->micro += micro % API_MICRO;
    sum->credits += sum->micro / API_MICRO;
    sum->micro %= API_MICRO;
}


/* Counts an account that was judged. */
static void
api_proof_note(struct api_proof *proof, const struct verify_account *account)
{
    const struct verify_side  *side = &account->side;

    proof->checked++;
    proof->moving += account->state == VERIFY_OPEN;
    api_sum_add(&proof->sums[API_AVAIL], account->wallet.avail);
    api_sum_add(&proof->sums[API_HELD], account->wallet.held);
    api_sum_add(&proof->sums[API_LEASED], account->wallet.leased);
    api_sum_add(&proof->sums[API_LEDGER], side->balance);
    api_sum_add(&proof->sums[API_UNAPPLIED], side->unapplied);
    api_sum_add(&proof->sums[API_UNSETTLED], side->unsettled);

    if (account->state == VERIFY_DIFFERS) {
        json_array_append_new(proof->differences,
            json_pack("{s:s, s:o, s:o, s:s, s:s}", "account", account->id,
                      "redis", api_sum_json(0, account->redis),
                      "ledger", api_sum_json(0, account->ledger),
                      "reason", account->reason->name,
                      "hint", account->reason->hint));
    }
}


/* All accounts, in pages. */
static bool
api_proof_all(struct api_proof *proof)
{
    int       count;
    unsigned  shard = 0;
    char      after[VERIFY_ACCOUNT_LEN + 1] = "";

    do {
        count = verify_next(&proof->verify, shard, after, proof->accounts,
                            VERIFY_PAGE);
        if (count == -1
            || !verify_judge(&proof->verify, proof->accounts, count))
        {
            return false;
        }

        for (int i = 0; i < count; i++) {
            api_proof_note(proof, &proof->accounts[i]);
        }
        if (count > 0) {
            shard = proof->accounts[count - 1].shard;
            memcpy(after, proof->accounts[count - 1].id, sizeof(after));
        }

    } while (count == VERIFY_PAGE && !loop_stopping());

    return true;
}


/* Goes along a chain in parts, each a call that is over soon. */
static bool
api_proof_chain(struct api_proof *proof, size_t chain)
{
    char         since[24] = "0";
    json_t      *part, *next, *broken = json_array();
    const char  *params[] = { api_chains[chain].name, since,
                              api_chains[chain].most };

    json_object_set_new(proof->chains, api_chains[chain].name, broken);

    do {
        PG_RESULT result = pg_call(proof->verify.pg, "ledger.verify_chain", 3,
                                   params);

        if (result == NULL || pg_value(result, 0, 0) == NULL) {
            return false;
        }

        part = json_loads(pg_value(result, 0, 0), 0, NULL);
        json_array_extend(broken, json_object_get(part, "broken"));
        next = json_object_get(part, "next");
        snprintf(since, sizeof(since), "%" JSON_INTEGER_FORMAT,
                 json_integer_value(next));
        json_decref(part);

    } while (since[0] != '0' && !loop_stopping());

    proof->chains_hold = proof->chains_hold && json_array_size(broken) == 0;

    return true;
}


/* The accounts that were asked for; an unknown one is an error of SQL. */
static bool
api_proof_wanted(struct api_proof *proof, const json_t *args)
{
    bool         known;
    char        *text;
    const char  *params[1];

    if (json_object_get(args, "account") == NULL) {
        for (size_t i = 0; i < sizeof(api_chains) / sizeof(api_chains[0]);
             i++)
        {
            if (!api_proof_chain(proof, i)) {
                return false;
            }
        }
        return api_proof_all(proof);
    }

    text = json_dumps(args, JSON_COMPACT);
    params[0] = text;
    known = pg_do(proof->verify.pg, "api.account_get", 1, params);
    free(text);
    if (!known) {
        return false;
    }

    verify_name(&proof->verify, &proof->accounts[0],
                json_string_value(json_object_get(args, "account")));
    if (!verify_judge(&proof->verify, proof->accounts, 1)) {
        return false;
    }
    api_proof_note(proof, &proof->accounts[0]);

    return true;
}


/* Answers with the totals of the ledger and what was found. */
static bool
api_proof_answer(struct api_proof *proof, struct api_answer *answer)
{
    bool     ok;
    json_t  *books, *assets, *sums;
    PG_RESULT result = pg_call(proof->verify.pg, "ledger.verify_totals", 0,
                               NULL);

    if (result == NULL || pg_value(result, 0, 0) == NULL) {
        return false;
    }

    sums = json_object();
    for (int i = 0; i < API_SUMS; i++) {
        json_object_set_new(sums, api_sums[i],
                            api_sum_json(proof->sums[i].credits,
                                         proof->sums[i].micro));
    }

    books = json_loads(pg_value(result, 0, 0), 0, NULL);
    ok = json_array_size(proof->differences) == 0 && proof->chains_hold
         && json_is_true(json_object_get(books, "ok"));
    assets = json_incref(json_object_get(books, "assets"));
    api_reply(answer, 200,
              json_pack("{s:b, s:I, s:I, s:o, s:O, s:o, s:O}", "ok", ok,
                        "accounts", (json_int_t) proof->checked,
                        "moving", (json_int_t) proof->moving,
                        "totals", sums,
                        "differences", proof->differences,
                        "assets", assets ? assets : json_array(),
                        "chains", proof->chains));
    json_decref(books);

    return true;
}


void
api_verify(const struct conf *conf, pg_t *pg, const json_t *args,
    struct api_answer *answer)
{
    bool              ok;
    struct api_proof  proof = {
        .verify = { .pg = pg, .rds = rds_new(conf) },
        .accounts = calloc(VERIFY_PAGE, sizeof(*proof.accounts)),
        .differences = json_array(),
        .chains = json_object(),
        .chains_hold = true,
    };

    if (proof.accounts == NULL) {
        die("out of memory");
    }

    ok = verify_ready(&proof.verify) && api_proof_wanted(&proof, args)
         && api_proof_answer(&proof, answer);

    if (!ok && rds_error(proof.verify.rds)[0] != '\0') {
        log_error("verify failed: %s", rds_error(proof.verify.rds));
        api_problem(answer, 503, "store_unreachable",
                    "redis can't be reached", NULL);
    } else if (!ok) {
        api_problem_of_pg(answer, pg, "verify");
    }

    json_decref(proof.differences);
    json_decref(proof.chains);
    free(proof.accounts);
    rds_free(proof.verify.rds);
}
