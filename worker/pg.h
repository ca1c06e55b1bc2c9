/*
 * pg.h: Postgres, by calls of named functions.
 *
 * The only user of libpq.  No statement of the product is in C: pg_call()
 * names a function, pg_exec() is for migrations.  Every call ends within the
 * connection's timeout; a connection that doesn't answer is dropped.
 */
#ifndef TOLLGATE_PG_H
#define TOLLGATE_PG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct pg_s       pg_t;
typedef struct pg_result  pg_result_t;

struct pg_error {
    char  state[6];         /* SQLSTATE, empty if the connection failed */
    char  message[512];
    char  detail[1024];
};

/*
 * A connection that is not made yet, to the server of the dsn, as the role
 * (NULL: the login role).  The strings are kept by reference.
 */
pg_t *pg_new(const char *dsn, const char *name, const char *role,
    int64_t timeout_ms);
void pg_free(pg_t *pg);

/*
 * Puts what the dsn says into the environment, for programs of Postgres that
 * are run: there nobody else can read it.  False where it is malformed.
 */
bool pg_environment(const char *dsn) __attribute__((warn_unused_result));

/* Connects if not connected.  On failure logs once until it succeeds. */
bool pg_ready(pg_t *pg) __attribute__((warn_unused_result));

/* Gives the connection up, and whatever was open in it. */
void pg_drop(pg_t *pg);

/* Whether the last failure cost the connection. */
bool pg_lost(const pg_t *pg);
const struct pg_error *pg_error(const pg_t *pg);

/*
 * select * from function(params...).  NULL on failure, which is in
 * pg_error() and not logged; else pg_clear() frees the result.
 */
pg_result_t *pg_call(pg_t *pg, const char *function, int n,
    const char *const params[]) __attribute__((warn_unused_result));

/* A statement of migrate.c or restore.c, with the rules of pg_call(). */
pg_result_t *pg_query(pg_t *pg, const char *text, int n,
    const char *const params[]) __attribute__((warn_unused_result));

/* The same for a function whose result doesn't matter. */
bool pg_do(pg_t *pg, const char *function, int n, const char *const params[])
    __attribute__((warn_unused_result));

/* Statements as they stand in a file; a failure is in pg_error(). */
bool pg_exec(pg_t *pg, const char *text) __attribute__((warn_unused_result));

/* Appends lines of COPY's text format to a table. */
bool pg_copy(pg_t *pg, const char *table, const char *columns,
    const char *lines, size_t len) __attribute__((warn_unused_result));

#define PG_STATEMENT(name, text)                                              \
    __attribute__((warn_unused_result))                                       \
    static inline bool                                                        \
    name(pg_t *pg)                                                            \
    {                                                                         \
        return pg_exec(pg, text);                                             \
    }

PG_STATEMENT(pg_begin, "begin")
PG_STATEMENT(pg_begin_snapshot,
               "begin isolation level repeatable read read only")
PG_STATEMENT(pg_commit, "commit")
PG_STATEMENT(pg_savepoint, "savepoint one")
PG_STATEMENT(pg_rollback_to_savepoint, "rollback to savepoint one")
PG_STATEMENT(pg_listen_mirror, "listen tollgate_mirror")

/* Ends a transaction after a failure; without one open does nothing. */
void pg_rollback(pg_t *pg);

/* Waits for a notice, a request to stop or ms; true after a notice. */
bool pg_wait_notice(pg_t *pg, int64_t ms);

int pg_rows(const pg_result_t *result);
/* NULL for SQL's null; lives as long as the result. */
const char *pg_value(const pg_result_t *result, int row, int column);
void pg_clear(pg_result_t *result);
void pg_clear_at(pg_result_t **result);

#define PG_RESULT  __attribute__((cleanup(pg_clear_at))) pg_result_t *

#endif
