/* behind.c: finds out whether this Postgres is older than what Redis has seen. */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "behind.h"
#include "key_names.h"
#include "log.h"
#include "loop.h"


#define BEHIND_PAGE      1000    /* wallets that are asked at a time */
#define BEHIND_NAME_MAX  160

struct behind_stream {
    char                 name[BEHIND_NAME_MAX];
    const char          *cursor;
    struct behind_marks  marks;
};


bool
behind_ask(rds_t *rds, const char *store)
{
    const char  *argv[] = { "HMGET", store, "settled", "trimmed",
                            "settled_at" };

    return rds_append(rds, 5, argv);
}


bool
behind_read(rds_t *rds, struct behind_marks *marks)
{
    const char  *settled, *trimmed, *settled_at;
    RDS_REPLY reply = rds_next(rds);

    if (reply == NULL) {
        return false;
    }

    settled = rds_text(rds_at(reply, 0));
    trimmed = rds_text(rds_at(reply, 1));
    settled_at = rds_text(rds_at(reply, 2));

    snprintf(marks->settled, sizeof(marks->settled), "%s",
             settled ? settled : "0-0");
    snprintf(marks->trimmed, sizeof(marks->trimmed), "%s",
             trimmed ? trimmed : "0-0");
    marks->settled_ms = settled_at ? strtoll(settled_at, NULL, 10) : 0;

    return true;
}


int
behind_compare(const char *id, const char *other)
{
    unsigned long long  a[2] = { 0 }, b[2] = { 0 };

    sscanf(id, "%llu-%llu", &a[0], &a[1]);
    sscanf(other, "%llu-%llu", &b[0], &b[1]);

    if (a[0] == b[0]) {
        return (a[1] > b[1]) - (a[1] < b[1]);
    }

    return a[0] > b[0] ? 1 : -1;
}


static bool
behind_failed(const pg_t *pg, const char *what)
{
    log_error("%s failed: %s", what, pg_error(pg)->message);

    return false;
}


/* --- commands ------------------------------------------------------------ */


static bool
behind_note_command(pg_t *pg, const pg_result_t *accounts, int row,
    const char *cmd)
{
    const char  *told = pg_value(accounts, row, 2);
    const char  *params[] = { pg_value(accounts, row, 0), told,
                              pg_value(accounts, row, 3), cmd };

    log_error("postgres forgot commands of account %s: it knows %s of %s",
              params[0], told, cmd);
    log_hint("what they changed is in redis alone; docs/operations.md says "
             "what to look at");

    return pg_do(pg, "ledger.behind_commands", 4, params)
           || behind_failed(pg, "note forgotten commands");
}


/* Asks a page of wallets which command they had last. */
static bool
behind_page(pg_t *pg, rds_t *rds, const pg_result_t *accounts)
{
    char         wallet[BEHIND_NAME_MAX];
    const char  *argv[] = { "HGET", wallet, "cmd" };

    for (int row = 0; row < pg_rows(accounts); row++) {
        snprintf(wallet, sizeof(wallet), TG_KEY_WALLET_FMT,
                 (unsigned) atoi(pg_value(accounts, row, 1)),
                 pg_value(accounts, row, 0));
        if (!rds_append(rds, 3, argv)) {
            return false;
        }
    }

    for (int row = 0; row < pg_rows(accounts); row++) {
        RDS_REPLY    reply = rds_next(rds);
        const char  *cmd = rds_text(reply);

        if (reply == NULL) {
            return false;
        }
        if (cmd != NULL
            && atoll(cmd) > atoll(pg_value(accounts, row, 2))
            && !behind_note_command(pg, accounts, row, cmd))
        {
            return false;
        }
    }

    return true;
}


/* Looks at all wallets, for a command need not have left an event. */
static bool
behind_scan(pg_t *pg, rds_t *rds)
{
    int          rows;
    char         after[32] = "", max[16];
    const char  *params[] = { after, max };

    snprintf(max, sizeof(max), "%d", BEHIND_PAGE);

    do {
        PG_RESULT accounts = pg_call(pg, "ledger.behind_accounts", 2, params);

        if (accounts == NULL) {
            return behind_failed(pg, "read accounts");
        }
        rows = pg_rows(accounts);
        if (!behind_page(pg, rds, accounts)) {
            if (rds_error(rds)[0] != '\0') {
                log_error("read wallets failed: %s", rds_error(rds));
            }
            return false;
        }
        if (rows > 0) {
            snprintf(after, sizeof(after), "%s",
                     pg_value(accounts, rows - 1, 0));
        }
    } while (rows == BEHIND_PAGE && !loop_stopping());

    return !loop_stopping()
           && (pg_do(pg, "ledger.behind_scanned", 0, NULL)
               || behind_failed(pg, "note that wallets were looked at"));
}


/* --- streams ------------------------------------------------------------- */


static bool
behind_note(pg_t *pg, const struct behind_stream *stream, int64_t settled_ms)
{
    char         ms[24];
    const char  *params[] = { stream->name, stream->cursor,
                              stream->marks.trimmed, stream->marks.settled,
                              ms };

    snprintf(ms, sizeof(ms), "%" PRId64, settled_ms);

    return pg_do(pg, "ledger.behind_found", 5, params)
           || behind_failed(pg, "note that postgres is behind");
}


static bool
behind_marks(rds_t *rds, struct behind_stream *streams, unsigned shards)
{
    bool  ok = true;
    char  store[BEHIND_NAME_MAX];

    for (unsigned shard = 0; shard < shards; shard++) {
        snprintf(streams[shard].name, sizeof(streams[shard].name),
                 TG_KEY_LEDGER_FMT, shard);
        snprintf(store, sizeof(store), TG_KEY_STORE_FMT, shard);
        if (!behind_ask(rds, store)) {
            return false;
        }
    }

    /* a server of a cluster that is down hinders only its own shards */
    for (unsigned shard = 0; shard < shards; shard++) {
        ok = behind_read(rds, &streams[shard].marks) && ok;
    }

    return ok || rds_connected(rds);
}


/*
 * The restored copy is older than the last thing that anybody settled, so that
 * moment divides the commands of the copy from those given since.
 */
static bool
behind_compare_all(pg_t *pg, struct behind_stream *streams, unsigned shards)
{
    bool     behind = false;
    int64_t  settled_ms = 0;
    PG_RESULT cursors = pg_call(pg, "ledger.cursors", 0, NULL);

    if (cursors == NULL) {
        return behind_failed(pg, "read the cursors");
    }

    for (unsigned shard = 0; shard < shards; shard++) {
        struct behind_stream  *stream = &streams[shard];

        stream->cursor = "0-0";
        for (int row = 0; row < pg_rows(cursors); row++) {
            if (strcmp(pg_value(cursors, row, 0), stream->name) == 0) {
                stream->cursor = pg_value(cursors, row, 1);
            }
        }
        if (stream->marks.settled_ms > settled_ms) {
            settled_ms = stream->marks.settled_ms;
        }
    }

    for (unsigned shard = 0; shard < shards; shard++) {
        if (streams[shard].marks.settled_ms != 0
            && behind_compare(streams[shard].cursor,
                              streams[shard].marks.settled) < 0)
        {
            behind = true;
            if (!behind_note(pg, &streams[shard], settled_ms)) {
                return false;
            }
        }
    }

    if (behind) {
        log_warn("postgres is older than what was settled to it: was it "
                 "restored from a backup?");
    }

    return true;
}


static bool
behind_look_at(pg_t *pg, rds_t *rds, struct behind_stream *streams,
    unsigned shards)
{
    if (!behind_marks(rds, streams, shards)) {
        log_error("read the marks of streams failed: %s", rds_error(rds));
        return false;
    }
    if (!behind_compare_all(pg, streams, shards)) {
        return false;
    }

    PG_RESULT due = pg_call(pg, "ledger.behind_due", 0, NULL);

    if (due == NULL) {
        return behind_failed(pg, "behind_due");
    }

    return pg_value(due, 0, 0)[0] == 'f' || behind_scan(pg, rds);
}


bool
behind_look(pg_t *pg, rds_t *rds)
{
    bool                   ok;
    unsigned               shards;
    const char            *params[] = { "shards" };
    struct behind_stream  *streams;
    PG_RESULT setting = pg_call(pg, "lib.setting", 1, params);

    if (setting == NULL || pg_rows(setting) != 1
        || pg_value(setting, 0, 0) == NULL)
    {
        return behind_failed(pg, "read the number of shards");
    }

    shards = (unsigned) atoi(pg_value(setting, 0, 0));
    streams = calloc(shards + 1, sizeof(*streams));
    if (streams == NULL) {
        die("out of memory");
    }
    ok = behind_look_at(pg, rds, streams, shards);
    free(streams);

    return ok;
}
