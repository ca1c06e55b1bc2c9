/*
 * mirror.c: carries commands, plans, the catalog and aliases from Postgres to
 * Redis.
 *
 * A command has a number in its account, so it takes effect once, and in
 * order, however often it is sent.  Plans and the catalog have versions.
 */

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "behind.h"
#include "key_names.h"
#include "locks.h"
#include "log.h"
#include "loop.h"
#include "mirror.h"
#include "role.h"


#define MIRROR_BATCH       "500"
#define MIRROR_LOCK_MS     1000

/* What mirror.refused() is told: answers of apply.lua, and an error of it. */
#define MIRROR_GAP         (-1)
#define MIRROR_RANGE       (-2)
#define MIRROR_BROKEN      (-3)

static bool mirror_attach(struct mirror *mirror);
static void mirror_detach(struct mirror *mirror);
static bool mirror_turn(struct mirror *mirror);


void
mirror_run(const struct conf *conf)
{
    int            backoff = 0;
    struct mirror  mirror = { .conf = conf };

    mirror.pg = pg_new(conf->postgres_dsn, "mirror", ROLE_POSTGRES,
                       conf->postgres_timeout);
    mirror.rds = rds_new(conf);
    mirror_hurry(&mirror);

    while (!loop_stopping()) {
        role_beat(ROLE_MIRROR);

        if (mirror_attach(&mirror) && mirror_turn(&mirror)) {
            backoff = 0;
            continue;
        }

        mirror_detach(&mirror);
        loop_backoff(&backoff, ROLE_BACKOFF_MS);
    }

    mirror_detach(&mirror);
    pg_free(mirror.pg);
    rds_free(mirror.rds);
}


bool
mirror_failed(const struct mirror *mirror, const char *what)
{
    log_error("%s failed: %s", what, pg_error(mirror->pg)->message);

    return false;
}


bool
mirror_redis_failed(const struct mirror *mirror, const char *what)
{
    log_error("%s failed: %s", what, rds_error(mirror->rds));

    return false;
}


static bool
mirror_attach(struct mirror *mirror)
{
    const char  *params[] = { "shards" };

    if (mirror->attached) {
        return true;
    }
    if (!pg_ready(mirror->pg) || !rds_ready(mirror->rds)) {
        return false;
    }
    if (!pg_listen_mirror(mirror->pg)) {
        return mirror_failed(mirror, "listen");
    }
    if (!behind_look(mirror->pg, mirror->rds)) {
        return false;
    }

    PG_RESULT result = pg_call(mirror->pg, "lib.setting", 1, params);

    if (result == NULL || pg_rows(result) != 1
        || pg_value(result, 0, 0) == NULL)
    {
        return mirror_failed(mirror, "read the number of shards");
    }
    mirror->shards = atoi(pg_value(result, 0, 0));
    mirror->waits = calloc((size_t) mirror->shards + 1, sizeof(*mirror->waits));
    if (mirror->waits == NULL) {
        die("out of memory");
    }
    mirror->attached = true;

    return true;
}


/* Forgets what Redis has: it may be another one after this. */
static void
mirror_detach(struct mirror *mirror)
{
    pg_drop(mirror->pg);
    rds_drop(mirror->rds);
    free(mirror->waits);

    mirror->waits = NULL;
    mirror->waiting = false;
    mirror->attached = false;
    mirror->owner = false;
    mirror->version = -1;
    mirror->compare_at_ms = 0;
    mirror_hurry(mirror);
}


/* One mirror at a time: two would race for the same numbers. */
static bool
mirror_own(struct mirror *mirror)
{
    const char  *params[] = { LOCK_CLASS_MIRROR, "0" };
    PG_RESULT result = pg_call(mirror->pg, "pg_try_advisory_lock", 2, params);

    if (result == NULL) {
        return mirror_failed(mirror, "lock");
    }

    mirror->owner = pg_value(result, 0, 0)[0] == 't';
    if (!mirror->owner) {
        pg_wait_notice(mirror->pg, MIRROR_LOCK_MS);
    }

    return true;
}


void
mirror_add(struct mirror_words *words, const char *word)
{
    if (words->count == words->size) {
        words->size = words->size ? words->size * 2 : 32;
        words->words = realloc(words->words,
                               sizeof(*words->words) * (size_t) words->size);
        if (words->words == NULL) {
            die("out of memory");
        }
    }
    words->words[words->count++] = word;
}


struct mirror_command {
    const char  *account;
    const char  *no;
    const char  *delta;
    const char  *set;
    const char  *del;
    char         wallet[MIRROR_TEXT_MAX];
    char         ledger[MIRROR_TEXT_MAX];
};


static struct mirror_command
mirror_command(const pg_result_t *pending, int row)
{
    unsigned               shard;
    struct mirror_command  command = {
        .account = pg_value(pending, row, 0),
        .no = pg_value(pending, row, 2),
        .delta = pg_value(pending, row, 3),
        .set = pg_value(pending, row, 4),
        .del = pg_value(pending, row, 5),
    };

    shard = (unsigned) atoi(pg_value(pending, row, 1));
    snprintf(command.wallet, sizeof(command.wallet), TG_KEY_WALLET_FMT, shard,
             command.account);
    snprintf(command.ledger, sizeof(command.ledger), TG_KEY_LEDGER_FMT, shard);

    return command;
}


/* Nobody gets a plan that his shard has not: it waits for its wallets. */
static bool
mirror_waits(const struct mirror *mirror, const pg_result_t *pending, int row)
{
    int  shard = atoi(pg_value(pending, row, 1));

    return shard < mirror->shards && mirror->waits[shard];
}


/* Sends one command; the reply is read later. */
static bool
mirror_send_command(struct mirror *mirror,
    const struct mirror_command *command)
{
    bool                 ok;
    char                 pairs[16], deletes[16];
    size_t               i;
    json_t              *set, *del, *value;
    const char          *name;
    struct mirror_words  words = { 0 };

    set = json_loads(command->set ? command->set : "{}", JSON_DECODE_ANY, NULL);
    del = json_loads(command->del ? command->del : "[]", JSON_DECODE_ANY, NULL);
    snprintf(pairs, sizeof(pairs), "%zu", json_object_size(set));
    snprintf(deletes, sizeof(deletes), "%zu", json_array_size(del));

    mirror_add(&words, "EVALSHA");
    mirror_add(&words, rds_sha("apply"));
    mirror_add(&words, "2");
    mirror_add(&words, command->wallet);
    mirror_add(&words, command->ledger);
    mirror_add(&words, command->account);
    mirror_add(&words, command->no);
    mirror_add(&words, command->delta);

    mirror_add(&words, pairs);
    json_object_foreach(set, name, value) {
        mirror_add(&words, name);
        mirror_add(&words, json_is_string(value) ? json_string_value(value)
                                                 : "");
    }
    mirror_add(&words, deletes);
    json_array_foreach(del, i, value) {
        mirror_add(&words, json_is_string(value) ? json_string_value(value)
                                                 : "");
    }

    ok = rds_append(mirror->rds, words.count, words.words);
    free(words.words);
    json_decref(set);
    json_decref(del);

    return ok;
}


/* Notes in Postgres what Redis answered. */
static bool
mirror_note(struct mirror *mirror, const struct mirror_command *command,
    int64_t answer)
{
    char         text[24];
    const char  *params[] = { command->account, command->no, text };

    if (answer >= 0) {
        return pg_do(mirror->pg, "mirror.applied", 2, params)
               || mirror_failed(mirror, "note that a command was applied");
    }

    log_error("command %s of account %s was refused: %s", command->no,
              command->account,
              answer == MIRROR_GAP ? "the store lacks the commands before it"
              : answer == MIRROR_RANGE ? "the balance would leave its range"
              : "the script can't take it");
    if (answer == MIRROR_GAP) {
        log_hint("the store lost data; the wallet is made again from the "
                 "ledger");
    } else {
        log_hint("the account is frozen; compare it with "
                 "tollgate ledger verify %s", command->account);
    }
    snprintf(text, sizeof(text), "%lld", (long long) answer);

    return pg_do(mirror->pg, "mirror.refused", 3, params)
           || mirror_failed(mirror, "note that a command was refused");
}


/* Whether an error is about the command or its wallet, not the whole store. */
static bool
mirror_is_broken(const struct mirror *mirror)
{
    return rds_connected(mirror->rds)
           && (strncmp(rds_error(mirror->rds), "ERR ", 4) == 0
               || strncmp(rds_error(mirror->rds), "WRONGTYPE ", 10) == 0);
}


/*
 * Reads the replies to a batch.  After a refusal the account's later commands
 * have to wait for what Postgres makes of it, and after an error too, since a
 * command that got lost makes those after it look like a gap.
 */
static bool
mirror_read_commands(struct mirror *mirror, const pg_result_t *pending)
{
    bool     applied = false, failed = false;
    char     waits[32] = "";
    int64_t  answer;

    for (int row = 0; row < pg_rows(pending); row++) {
        struct mirror_command  command = mirror_command(pending, row);

        if (mirror_waits(mirror, pending, row)) {
            continue;
        }
        RDS_REPLY reply = rds_next(mirror->rds);

        if (strcmp(command.account, waits) == 0) {
            continue;
        }

        answer = rds_int(reply);
        if (answer == INT64_MIN && !mirror_is_broken(mirror)) {
            if (!failed) {
                mirror_redis_failed(mirror, "apply a command");
            }
            if (!rds_connected(mirror->rds)) {
                return false;
            }
            failed = true;
            snprintf(waits, sizeof(waits), "%s", command.account);
            continue;
        }

        if (answer == INT64_MIN) {
            mirror_redis_failed(mirror, "apply a command");
            answer = MIRROR_BROKEN;
        }
        if (!mirror_note(mirror, &command, answer)) {
            return false;
        }
        if (answer < 0) {
            snprintf(waits, sizeof(waits), "%s", command.account);
        }
        applied = applied || answer >= 0;
    }

    /* Where nothing moves there is nothing to hurry for. */
    if (!applied) {
        mirror->idle = true;
    }

    return true;
}


/*
 * What is noted before a failure is right, so it is committed with it: a
 * command that is sent again answers that it was applied.
 */
static bool
mirror_commands(struct mirror *mirror, const pg_result_t *pending)
{
    bool  ok;

    for (int row = 0; row < pg_rows(pending); row++) {
        struct mirror_command  command = mirror_command(pending, row);

        if (!mirror_waits(mirror, pending, row)
            && !mirror_send_command(mirror, &command))
        {
            return mirror_redis_failed(mirror, "send a command");
        }
    }

    if (!pg_begin(mirror->pg)) {
        return mirror_failed(mirror, "begin");
    }
    ok = mirror_read_commands(mirror, pending);

    return pg_commit(mirror->pg) ? ok : mirror_failed(mirror, "commit");
}


/*
 * Commands are read first and plans after, so that no account gets a plan
 * that Redis has not, and no imported key its record ahead of its alias.
 */
static bool
mirror_turn(struct mirror *mirror)
{
    const char  *params[] = { MIRROR_BATCH };

    if (!mirror->owner && (!mirror_own(mirror) || !mirror->owner)) {
        return !pg_lost(mirror->pg);
    }

    PG_RESULT pending = pg_call(mirror->pg, "mirror.pending", 1, params);

    if (pending == NULL) {
        return mirror_failed(mirror, "read the commands");
    }
    if (!mirror_catalog(mirror) || !mirror_aliases(mirror)) {
        return false;
    }

    mirror->idle = pg_rows(pending) == 0;
    if (!mirror->idle && !mirror_commands(mirror, pending)) {
        return false;
    }
    if (mirror->idle && mirror->round_at_ms > loop_now_ms()) {
        pg_wait_notice(mirror->pg, mirror->waiting
                                   ? MIRROR_WAIT_MS
                                   : mirror->conf->mirror_idle_ms);
    }

    return !pg_lost(mirror->pg);
}
