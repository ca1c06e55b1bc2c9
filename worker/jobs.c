/*
 * jobs.c: runs what is due, one job a transaction, missed runs in order.
 */

#include <stdio.h>
#include <string.h>

#include "log.h"
#include "loop.h"
#include "pg.h"
#include "role.h"


enum jobs_outcome { JOBS_RAN, JOBS_IDLE, JOBS_BROKEN };

static const struct {
    const char  *name;
    const char  *function;
} jobs_table[] = {
#define JOB(name, function)  { name, function },
#include "jobs_table.h"
#undef JOB
};

static enum jobs_outcome jobs_turn(pg_t *pg);


void
jobs_run(const struct conf *conf)
{
    int    backoff = 0;
    pg_t  *pg = pg_new(conf->postgres_dsn, "jobs", ROLE_POSTGRES,
                       conf->jobs_timeout);

    while (!loop_stopping()) {
        role_beat(ROLE_JOBS);

        switch (pg_ready(pg) ? jobs_turn(pg) : JOBS_BROKEN) {
        case JOBS_RAN:
            backoff = 0;
            break;

        case JOBS_IDLE:
            backoff = 0;
            loop_wait(-1, 0, conf->jobs_idle_ms);
            break;

        case JOBS_BROKEN:
            pg_drop(pg);
            loop_backoff(&backoff, ROLE_BACKOFF_MS);
        }
    }

    pg_free(pg);
}


/* The function of a job: names in the database run nothing by themselves. */
static const char *
jobs_function(const char *name)
{
    for (size_t i = 0; i < sizeof(jobs_table) / sizeof(jobs_table[0]); i++) {
        if (strcmp(jobs_table[i].name, name) == 0) {
            return jobs_table[i].function;
        }
    }

    return NULL;
}


static bool
jobs_fail(pg_t *pg, const char *name, const char *due, const char *error)
{
    const char  *params[] = { name, due, error };

    log_error("job %s due at %s failed: %s", name, due, error);
    log_hint("it is tried again; tollgate jobs list shows when");

    return pg_do(pg, "job.failed", 3, params);
}


/*
 * Runs one job and records how it went.  A failure takes back what the job
 * did, and nothing else.  Returns false where even that can't be recorded.
 */
static bool
jobs_one(pg_t *pg, const char *name, const char *due)
{
    char         error[sizeof(pg_error(pg)->message)];
    const char  *function = jobs_function(name);
    const char  *params[] = { name, due, NULL };

    if (function == NULL) {
        return jobs_fail(pg, name, due, "this program has no such job");
    }
    if (!pg_savepoint(pg)) {
        return false;
    }

    PG_RESULT result = pg_call(pg, function, 1, &due);

    if (result != NULL) {
        params[2] = pg_value(result, 0, 0);
        log_info("job %s due at %s: %s", name, due,
                 params[2] ? params[2] : "done");
        return pg_do(pg, "job.done", 3, params);
    }

    snprintf(error, sizeof(error), "%s", pg_error(pg)->message);

    return pg_rollback_to_savepoint(pg) && jobs_fail(pg, name, due, error);
}


static enum jobs_outcome
jobs_turn(pg_t *pg)
{
    bool  ok;

    if (!pg_begin(pg)) {
        return JOBS_BROKEN;
    }

    PG_RESULT due = pg_call(pg, "job.due", 0, NULL);

    if (due != NULL && pg_rows(due) == 0) {
        return pg_commit(pg) ? JOBS_IDLE : JOBS_BROKEN;
    }

    ok = due != NULL
         && jobs_one(pg, pg_value(due, 0, 0), pg_value(due, 0, 1))
         && pg_commit(pg);
    if (!ok) {
        log_error("run what is due failed: %s", pg_error(pg)->message);
    }

    return ok ? JOBS_RAN : JOBS_BROKEN;
}
