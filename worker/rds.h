/*
 * rds.h: Redis, by commands and by the product's scripts.
 *
 * Each command goes to the server that has its key: the only one, the master
 * that sentinels name, or one of a cluster.  Every call ends within the
 * timeout.  What is refused for a moment (a slot that moves, a failover, a
 * script that isn't loaded) is sent again within it, so a command may take
 * effect twice: only those may be sent of which that does no harm.
 *
 * While one server of a cluster fails, the commands that it has the keys of
 * do; the others go on.  When no server is left, or the only one fails, all
 * connections are dropped, and rds_ready() makes new ones.
 */
#ifndef TOLLGATE_RDS_H
#define TOLLGATE_RDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf.h"

typedef struct rds_s       rds_t;
typedef struct redisReply  rds_reply_t;

/* No connection is made yet; conf is kept by reference. */
rds_t *rds_new(const struct conf *conf);
void rds_free(rds_t *rds);

/* Connects if not connected.  On failure logs once until it succeeds. */
bool rds_ready(rds_t *rds) __attribute__((warn_unused_result));
void rds_drop(rds_t *rds);

/* The text of the last failure: of the connection, or an error reply. */
const char *rds_error(const rds_t *rds);

/*
 * Sends one command and reads its reply.  NULL on failure and for an error
 * reply, which are in rds_error(); else rds_clear() frees it.
 */
rds_reply_t *rds_command(rds_t *rds, int argc, const char *const argv[])
    __attribute__((warn_unused_result));

/*
 * Queues a command; rds_next() reads the replies in the order of queueing,
 * with its rules.  Commands of one slot take effect in that order too.  Once
 * all connections are dropped nothing is left to read.
 */
bool rds_append(rds_t *rds, int argc, const char *const argv[])
    __attribute__((warn_unused_result));
rds_reply_t *rds_next(rds_t *rds) __attribute__((warn_unused_result));
bool rds_connected(const rds_t *rds);

/*
 * Sends what is queued, and takes in some of the replies that have come: for
 * who has something else to do before rds_next(), which tells of failures.
 * False where nothing had come.
 */
void rds_start(rds_t *rds);
bool rds_ahead(rds_t *rds);

/* What EVALSHA calls a script, which is named after its file in redis/. */
const char *rds_sha(const char *script);

/*
 * The servers that hold keys: how they are found, how many of the slots that
 * there are they have, and one after the other.  NULL after the last.
 */
const char *rds_topology(const rds_t *rds);
int rds_slots_missing(const rds_t *rds);
const char *rds_master(const rds_t *rds, int i);

/* One command to the i-th of them, with the rules of rds_command(). */
rds_reply_t *rds_ask(rds_t *rds, int i, int argc, const char *const argv[])
    __attribute__((warn_unused_result));

int64_t rds_int(const rds_reply_t *reply);       /* INT64_MIN if it is none */
const char *rds_text(const rds_reply_t *reply);  /* NULL if it is none */
const char *rds_refusal(const rds_reply_t *reply);    /* NULL if no error */
size_t rds_len(const rds_reply_t *reply);        /* of a text or an array */
const rds_reply_t *rds_at(const rds_reply_t *reply, size_t i);
void rds_clear(rds_reply_t *reply);
void rds_clear_at(rds_reply_t **reply);

#define RDS_REPLY  __attribute__((cleanup(rds_clear_at))) rds_reply_t *

#endif
