/*
 * behind.h: whether this Postgres is older than what Redis has seen of one.
 *
 * That is so after it was restored from a backup, or after a failover that
 * lost commits.  Redis tells by the marks in the store of each stream.
 */
#ifndef TOLLGATE_BEHIND_H
#define TOLLGATE_BEHIND_H

#include "pg.h"
#include "rds.h"

#define BEHIND_ID_MAX  48

/* Of a stream's store, see redis/trim.lua; "0-0" and 0 where it has none. */
struct behind_marks {
    char     settled[BEHIND_ID_MAX];
    char     trimmed[BEHIND_ID_MAX];
    int64_t  settled_ms;
};

/* Queues a question for the marks; behind_read() reads the answer. */
bool behind_ask(rds_t *rds, const char *store);
bool behind_read(rds_t *rds, struct behind_marks *marks);

/* < 0, 0 or > 0, as the first id of an entry is before the second. */
int behind_compare(const char *id, const char *other);

/*
 * Compares all shards, and notes in Postgres what is behind and which commands
 * it forgot.  Whoever carries or settles anything looks first, each time that
 * it connects.  On failure the reason is logged.
 */
bool behind_look(pg_t *pg, rds_t *rds) __attribute__((warn_unused_result));

#endif
