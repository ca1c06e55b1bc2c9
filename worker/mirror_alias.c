/*
 * mirror_alias.c: carries aliases, by which the gate finds the account of an
 * imported key.
 *
 * An alias never leads elsewhere, so writing it once more is harmless: those
 * that a store may have lost are all written again, round after round.  A mark
 * in each shard says that a round was whole; without it the gate takes no key
 * for unknown.
 */

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "key_names.h"
#include "log.h"
#include "loop.h"
#include "mirror.h"


#define ALIAS_BATCH       500
#define ALIAS_BATCH_TEXT  "500"

/* Columns of mirror.aliases_due() and mirror.aliases_after(). */
enum { ALIAS_KEY, ALIAS_VERSION, ALIAS_SHARD, ALIAS_HASH, ALIAS_ACCOUNT,
       ALIAS_UNTIL };


/* A new round, whose parts follow each other at once. */
void
mirror_hurry(struct mirror *mirror)
{
    mirror->hurried = true;
    mirror->holed = false;
    mirror->round_at_ms = 0;
    mirror->round_after[0] = '\0';
}


static bool
alias_send(struct mirror *mirror, const pg_result_t *aliases, int row)
{
    int          words;
    char         key[MIRROR_TEXT_MAX];
    const char  *until = pg_value(aliases, row, ALIAS_UNTIL);
    const char  *argv[] = { "SET", key, pg_value(aliases, row, ALIAS_ACCOUNT),
                            "PXAT", until };

    words = strcmp(until, "0") == 0 ? 3 : 5;
    snprintf(key, sizeof(key), TG_KEY_ALIAS_FMT,
             (unsigned) atoi(pg_value(aliases, row, ALIAS_SHARD)),
             pg_value(aliases, row, ALIAS_HASH));

    return rds_append(mirror->rds, words, argv);
}


/*
 * Reads a reply of SET.  A server of several that doesn't take it leaves a hole,
 * and the others get theirs all the same; false where the connection is lost.
 */
static bool
alias_read(struct mirror *mirror, bool *written)
{
    RDS_REPLY reply = rds_next(mirror->rds);

    *written = reply != NULL;
    if (!*written) {
        if (!mirror->hole_told || !rds_connected(mirror->rds)) {
            mirror_redis_failed(mirror, "write an alias");
        }
        mirror->holed = true;
        mirror->hole_told = true;
    }

    return rds_connected(mirror->rds);
}


/* Writes them; carried gets the versions of those that were, or is NULL. */
static bool
alias_write(struct mirror *mirror, const pg_result_t *aliases,
    json_t *carried)
{
    bool  written;

    for (int row = 0; row < pg_rows(aliases); row++) {
        if (!alias_send(mirror, aliases, row)) {
            return mirror_redis_failed(mirror, "write an alias");
        }
    }

    for (int row = 0; row < pg_rows(aliases); row++) {
        if (!alias_read(mirror, &written)) {
            return false;
        }
        if (written && carried != NULL) {
            json_object_set_new(carried, pg_value(aliases, row, ALIAS_KEY),
                                json_string(pg_value(aliases, row,
                                                     ALIAS_VERSION)));
        }
    }

    return true;
}


/* One batch of those that are due; answers their number, -1 on failure. */
static int
alias_due(struct mirror *mirror)
{
    bool         ok;
    int          count;
    char        *text;
    json_t      *carried;
    const char  *params[] = { ALIAS_BATCH_TEXT };
    PG_RESULT due = pg_call(mirror->pg, "mirror.aliases_due", 1, params);

    if (due == NULL) {
        mirror_failed(mirror, "read the aliases");
        return -1;
    }
    if (pg_rows(due) == 0) {
        return 0;
    }

    carried = json_object();
    ok = alias_write(mirror, due, carried);
    count = (int) json_object_size(carried);

    if (count > 0) {
        text = json_dumps(carried, JSON_COMPACT);
        params[0] = text;
        if (!pg_do(mirror->pg, "mirror.aliases_carried", 1, params)) {
            ok = mirror_failed(mirror, "note that aliases were carried");
        }
        free(text);
    }
    json_decref(carried);

    return ok ? count : -1;
}


/* The end of a round: where it had no hole, every shard is told. */
static bool
alias_mark(struct mirror *mirror)
{
    bool         written;
    char         key[MIRROR_TEXT_MAX];
    const char  *argv[] = { "SET", key, "1" };

    for (int shard = 0; shard < mirror->shards; shard++) {
        snprintf(key, sizeof(key), TG_KEY_ALIASES_FMT, (unsigned) shard);
        if (!rds_append(mirror->rds, 3, argv)) {
            return mirror_redis_failed(mirror, "mark the aliases");
        }
    }
    for (int shard = 0; shard < mirror->shards; shard++) {
        if (!alias_read(mirror, &written)) {
            return false;
        }
    }

    return true;
}


static bool
alias_round(struct mirror *mirror)
{
    int          rows;
    const char  *params[] = { mirror->round_after, ALIAS_BATCH_TEXT };

    if (loop_now_ms() < mirror->round_at_ms) {
        return true;
    }

    PG_RESULT aliases = pg_call(mirror->pg, "mirror.aliases_after", 2, params);

    if (aliases == NULL) {
        return mirror_failed(mirror, "read the aliases");
    }
    if (!alias_write(mirror, aliases, NULL)) {
        return false;
    }

    rows = pg_rows(aliases);
    snprintf(mirror->round_after, sizeof(mirror->round_after), "%s",
             rows > 0 ? pg_value(aliases, rows - 1, ALIAS_KEY) : "");

    if (rows < ALIAS_BATCH) {
        if (mirror->hurried && !mirror->holed && !alias_mark(mirror)) {
            return false;
        }
        mirror->hurried = mirror->holed;
        mirror->hole_told = mirror->holed;
        mirror->round_after[0] = '\0';
    }

    /* Where a server is away there is nothing to hurry for. */
    if (!mirror->hurried || mirror->holed) {
        mirror->round_at_ms = loop_now_ms() + MIRROR_COMPARE_MS;
    }
    mirror->holed = mirror->holed && rows == ALIAS_BATCH;

    return true;
}


bool
mirror_aliases(struct mirror *mirror)
{
    int  count;

    do {
        count = alias_due(mirror);
    } while (count == ALIAS_BATCH && !loop_stopping());

    return count >= 0 && alias_round(mirror);
}
