/*
 * rds.h: Redis, by commands and by the product's scripts.
 *
 * The only user of hiredis.  Every call ends within the timeout; after a
 * failure of the connection it is dropped, and rds_ready() makes a new one.
 */
#ifndef TOLLGATE_RDS_H
#define TOLLGATE_RDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf.h"

typedef struct rds_s       rds_t;
typedef struct redisReply  rds_reply_t;

/* A connection that is not made yet; conf is kept by reference. */
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
 * Queues a command; rds_next() reads the replies in the order of sending,
 * with its rules.  After a failure of the connection nothing is left to read.
 */
bool rds_append(rds_t *rds, int argc, const char *const argv[])
    __attribute__((warn_unused_result));
rds_reply_t *rds_next(rds_t *rds) __attribute__((warn_unused_result));
bool rds_connected(const rds_t *rds);

/* Teaches Redis a script, named after its file in redis/. */
bool rds_load(rds_t *rds, const char *script)
    __attribute__((warn_unused_result));

/* The words that call a script which was loaded: argv[0] and [1] of it. */
const char *rds_sha(const rds_t *rds, const char *script);

int64_t rds_int(const rds_reply_t *reply);       /* INT64_MIN if it is none */
const char *rds_text(const rds_reply_t *reply);  /* NULL if it is none */
size_t rds_len(const rds_reply_t *reply);        /* of a text or an array */
const rds_reply_t *rds_at(const rds_reply_t *reply, size_t i);
void rds_clear(rds_reply_t *reply);
void rds_clear_at(rds_reply_t **reply);

#define RDS_REPLY  __attribute__((cleanup(rds_clear_at))) rds_reply_t *

#endif
