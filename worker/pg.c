/* pg.c: one connection to Postgres, with a time limit on every call. */

#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "loop.h"
#include "pg.h"


/* A server that cancels a statement by itself gets this long to say so. */
#define PG_GRACE_MS   1000
/* What a call may still take once the process was asked to stop. */
#define PG_STOP_MS    2000
#define PG_CHUNK      65536

struct pg_s {
    PGconn           *conn;
    const char       *dsn;
    const char       *name;
    const char       *role;
    int64_t           timeout_ms;
    bool              lost;
    bool              complained;
    struct pg_error   error;
};


pg_t *
pg_new(const char *dsn, const char *name, const char *role, int64_t timeout_ms)
{
    pg_t  *pg = calloc(1, sizeof(*pg));

    if (pg == NULL) {
        die("out of memory");
    }

    pg->dsn = dsn;
    pg->name = name;
    pg->role = role;
    pg->timeout_ms = timeout_ms;

    return pg;
}


void
pg_free(pg_t *pg)
{
    if (pg != NULL) {
        PQfinish(pg->conn);
        free(pg);
    }
}


static void
pg_notice(void *data, const char *message)
{
    (void) data;
    log_debug("postgres: %s", message);
}


static void
pg_note(pg_t *pg, const char *message)
{
    pg->error.state[0] = '\0';
    pg->error.detail[0] = '\0';
    snprintf(pg->error.message, sizeof(pg->error.message), "%s", message);
}


static void
pg_complain(pg_t *pg)
{
    if (!pg->complained) {
        log_error("connect to postgres failed: %s", pg->error.message);
        log_hint("is it running, and is \"dsn\" right?");
    }
    pg->complained = true;
}


/*
 * Who was killed, host and all, must not hold its locks for long; and what was
 * committed must be there after a crash, since Redis forgets it then.
 */
static bool
pg_settle_in(pg_t *pg)
{
    char        timeout[32], text[128];
    const char *settings[][3] = {
        { "statement_timeout", timeout, "false" },
        { "TimeZone", "UTC", "false" },
        { "client_connection_check_interval", "1000", "false" },
        { "tcp_keepalives_idle", "5", "false" },
        { "tcp_keepalives_interval", "2", "false" },
        { "synchronous_commit", "on", "false" },
    };

    snprintf(timeout, sizeof(timeout), "%lld", (long long) pg->timeout_ms);
    for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
        if (!pg_do(pg, "set_config", 3, settings[i])) {
            return false;
        }
    }

    snprintf(text, sizeof(text), "set role %s", pg->role ? pg->role : "none");

    return pg_exec(pg, text);
}


/*
 * A server that closed an idle connection left its end to be read, behind
 * what it had to say.
 */
static bool
pg_is_open(pg_t *pg)
{
    struct pollfd  pfd = { .events = POLLIN };

    if (pg->conn == NULL || PQstatus(pg->conn) != CONNECTION_OK) {
        return false;
    }

    pfd.fd = PQsocket(pg->conn);
    while (poll(&pfd, 1, 0) > 0) {
        if (!PQconsumeInput(pg->conn)) {
            return false;
        }
    }

    return true;
}


bool
pg_ready(pg_t *pg)
{
    char         seconds[32], ms[32], name[64];
    const char  *keys[] = { "dbname", "connect_timeout", "tcp_user_timeout",
                            "keepalives_idle", "application_name",
                            "client_encoding", NULL };
    const char  *values[] = { pg->dsn, seconds, ms, "30", name, "UTF8",
                              NULL };

    if (pg_is_open(pg)) {
        return true;
    }

    pg_drop(pg);
    snprintf(seconds, sizeof(seconds), "%lld",
             (long long) (pg->timeout_ms < 10000 ? pg->timeout_ms / 1000 + 1
                                                 : 10));
    snprintf(ms, sizeof(ms), "%lld",
             (long long) (pg->timeout_ms + PG_GRACE_MS));
    snprintf(name, sizeof(name), "tollgate-worker %s", pg->name);

    pg->conn = PQconnectdbParams(keys, values, 1);
    if (pg->conn == NULL || PQstatus(pg->conn) != CONNECTION_OK) {
        pg_note(pg, pg->conn ? PQerrorMessage(pg->conn) : "out of memory");
        pg_complain(pg);
        pg_drop(pg);
        return false;
    }

    PQsetNoticeProcessor(pg->conn, pg_notice, NULL);
    PQsetnonblocking(pg->conn, 1);

    if (!pg_settle_in(pg)) {
        pg_complain(pg);
        pg_drop(pg);
        return false;
    }

    if (pg->complained) {
        log_info("postgres answers again");
    }
    pg->complained = false;
    pg->lost = false;

    return true;
}


void
pg_drop(pg_t *pg)
{
    PQfinish(pg->conn);
    pg->conn = NULL;
    pg->lost = true;
}


bool
pg_lost(const pg_t *pg)
{
    return pg->lost;
}


const struct pg_error *
pg_error(const pg_t *pg)
{
    return &pg->error;
}


static bool
pg_fail_lost(pg_t *pg, const char *message)
{
    pg_note(pg, message);
    pg_drop(pg);

    return false;
}


/* Waits for the socket until the end, which comes nearer on a stop. */
static bool
pg_wait(pg_t *pg, short events, int64_t *end)
{
    bool     stopping;
    int64_t  now;

    for ( ;; ) {
        stopping = loop_stopping();
        now = loop_now_ms();
        if (stopping && *end > now + PG_STOP_MS) {
            *end = now + PG_STOP_MS;
        }
        if (now >= *end) {
            return pg_fail_lost(pg, "postgres did not answer in time");
        }
        if (loop_wait(PQsocket(pg->conn), events, *end - now)) {
            return true;
        }
    }
}


static bool
pg_flush(pg_t *pg, int64_t *end)
{
    int  rc;

    while ((rc = PQflush(pg->conn)) == 1) {
        if (!pg_wait(pg, POLLIN | POLLOUT, end)) {
            return false;
        }
        if (!PQconsumeInput(pg->conn)) {
            return pg_fail_lost(pg, PQerrorMessage(pg->conn));
        }
    }

    return rc == 0 || pg_fail_lost(pg, PQerrorMessage(pg->conn));
}


static int64_t
pg_end(const pg_t *pg)
{
    return loop_now_ms() + (pg->timeout_ms == 0 ? INT32_MAX
                                                : pg->timeout_ms + PG_GRACE_MS);
}


static void
pg_take_error(pg_t *pg, const PGresult *result)
{
    const struct { int field; char *to; size_t size; } parts[] = {
        { PG_DIAG_SQLSTATE, pg->error.state, sizeof(pg->error.state) },
        { PG_DIAG_MESSAGE_PRIMARY, pg->error.message,
          sizeof(pg->error.message) },
        { PG_DIAG_MESSAGE_DETAIL, pg->error.detail, sizeof(pg->error.detail) },
    };

    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        const char  *text = PQresultErrorField(result, parts[i].field);
        snprintf(parts[i].to, parts[i].size, "%s", text ? text : "");
    }

    if (pg->error.message[0] == '\0') {
        snprintf(pg->error.message, sizeof(pg->error.message), "%s",
                 PQerrorMessage(pg->conn));
    }
}


/*
 * Reads what the server answers to what was sent and returns the last result,
 * or NULL after the first failure.
 */
static PGresult *
pg_answer(pg_t *pg, int64_t end)
{
    bool             failed = false;
    PGresult        *result, *last = NULL;
    ExecStatusType   status;

    if (!pg_flush(pg, &end)) {
        return NULL;
    }

    for ( ;; ) {
        while (PQisBusy(pg->conn)) {
            if (!pg_wait(pg, POLLIN, &end)) {
                PQclear(last);
                return NULL;
            }
            if (!PQconsumeInput(pg->conn)) {
                pg_fail_lost(pg, PQerrorMessage(pg->conn));
                PQclear(last);
                return NULL;
            }
        }

        result = PQgetResult(pg->conn);
        if (result == NULL) {
            break;
        }

        status = PQresultStatus(result);
        if (status == PGRES_FATAL_ERROR || status == PGRES_BAD_RESPONSE) {
            if (!failed) {
                pg_take_error(pg, result);
            }
            failed = true;
        }
        PQclear(last);
        last = result;
        if (status == PGRES_COPY_IN) {
            return last;
        }
    }

    if (failed || last == NULL) {
        PQclear(last);
        if (PQstatus(pg->conn) != CONNECTION_OK) {
            pg_drop(pg);
        }
        return NULL;
    }

    return last;
}


static bool
pg_open(pg_t *pg)
{
    if (pg->conn == NULL) {
        pg_note(pg, "not connected to postgres");
        return false;
    }

    return true;
}


pg_result_t *
pg_call(pg_t *pg, const char *function, int n, const char *const params[])
{
    int   len;
    char  text[256];

    len = snprintf(text, sizeof(text), "select * from %s(", function);
    for (int i = 0; i < n; i++) {
        len += snprintf(text + len, sizeof(text) - (size_t) len, "%s$%d",
                        i ? ", " : "", i + 1);
    }
    snprintf(text + len, sizeof(text) - (size_t) len, ")");

    return pg_query(pg, text, n, params);
}


pg_result_t *
pg_query(pg_t *pg, const char *text, int n, const char *const params[])
{
    int64_t  end = pg_end(pg);

    if (!pg_open(pg)) {
        return NULL;
    }

    if (!PQsendQueryParams(pg->conn, text, n, NULL, params, NULL, NULL, 0)) {
        pg_fail_lost(pg, PQerrorMessage(pg->conn));
        return NULL;
    }

    return (pg_result_t *) pg_answer(pg, end);
}


bool
pg_do(pg_t *pg, const char *function, int n, const char *const params[])
{
    PG_RESULT result = pg_call(pg, function, n, params);

    return result != NULL;
}


bool
pg_exec(pg_t *pg, const char *text)
{
    int64_t    end = pg_end(pg);
    PGresult  *result;

    if (!pg_open(pg)) {
        return false;
    }
    if (!PQsendQuery(pg->conn, text)) {
        return pg_fail_lost(pg, PQerrorMessage(pg->conn));
    }

    result = pg_answer(pg, end);
    PQclear(result);

    return result != NULL;
}


bool
pg_copy(pg_t *pg, const char *table, const char *columns, const char *lines,
    size_t len)
{
    int        size;
    char       text[1024];
    int64_t    end = pg_end(pg);
    PGresult  *result;

    snprintf(text, sizeof(text), "copy %s (%s) from stdin", table, columns);
    if (!pg_open(pg)) {
        return false;
    }
    if (!PQsendQuery(pg->conn, text)) {
        return pg_fail_lost(pg, PQerrorMessage(pg->conn));
    }

    result = pg_answer(pg, end);
    if (result == NULL) {
        return false;
    }
    PQclear(result);

    for ( ; len > 0; len -= (size_t) size, lines += size) {
        size = len < PG_CHUNK ? (int) len : PG_CHUNK;
        if (PQputCopyData(pg->conn, lines, size) != 1) {
            return pg_fail_lost(pg, PQerrorMessage(pg->conn));
        }
        if (!pg_flush(pg, &end)) {
            return false;
        }
    }

    if (PQputCopyEnd(pg->conn, NULL) != 1) {
        return pg_fail_lost(pg, PQerrorMessage(pg->conn));
    }

    result = pg_answer(pg, end);
    PQclear(result);

    return result != NULL;
}


/* Keeps the error that led here. */
void
pg_rollback(pg_t *pg)
{
    struct pg_error  error = pg->error;

    if (pg->conn != NULL && PQtransactionStatus(pg->conn) != PQTRANS_IDLE
        && !pg_exec(pg, "rollback"))
    {
        pg_drop(pg);
    }

    pg->error = error;
}


bool
pg_wait_notice(pg_t *pg, int64_t ms)
{
    bool       noticed = false;
    PGnotify  *notify;

    if (pg->conn == NULL) {
        loop_wait(-1, 0, ms);
        return false;
    }

    for (int pass = 0; pass < 2; pass++) {
        while ((notify = PQnotifies(pg->conn)) != NULL) {
            noticed = true;
            PQfreemem(notify);
        }
        if (noticed || pass == 1) {
            break;
        }
        if (!loop_wait(PQsocket(pg->conn), POLLIN, ms)) {
            break;
        }
        if (!PQconsumeInput(pg->conn)) {
            pg_fail_lost(pg, PQerrorMessage(pg->conn));
            break;
        }
    }

    return noticed;
}


int
pg_rows(const pg_result_t *result)
{
    return PQntuples((const PGresult *) result);
}


const char *
pg_value(const pg_result_t *result, int row, int column)
{
    const PGresult  *rows = (const PGresult *) result;

    return PQgetisnull(rows, row, column) ? NULL
                                          : PQgetvalue(rows, row, column);
}


void
pg_clear(pg_result_t *result)
{
    PQclear((PGresult *) result);
}


void
pg_clear_at(pg_result_t **result)
{
    pg_clear(*result);
}
