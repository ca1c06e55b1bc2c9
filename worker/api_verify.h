/*
 * api_verify.h: what the proof works with.
 *
 * api_verify.c compares, api_verify_redis.c reads Redis' side.
 */
#ifndef TOLLGATE_API_VERIFY_H
#define TOLLGATE_API_VERIFY_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "pg.h"
#include "rds.h"

struct verify {
    pg_t    *pg;
    rds_t   *rds;
    long     shards;
    int64_t  accounts;
    json_t  *differences;
};

/* The wallet as Redis has it; all 0 where there is none. */
struct verify_wallet {
    bool     exists;
    int64_t  epoch;
    int64_t  seq;
    int64_t  avail;
    int64_t  held;
    int64_t  records;       /* sum of what its holds say */
    int64_t  cmd;
};

/* An event of one account that may not be settled yet. */
struct verify_event {
    int64_t  seq;
    int64_t  delta;
    bool     command;
};

struct verify_events {
    struct verify_event  *list;
    size_t                count;
};

unsigned verify_shard(const struct verify *verify, const char *account);

/* False if Redis doesn't answer. */
bool verify_read_wallet(struct verify *verify, const char *account,
    struct verify_wallet *wallet);

/*
 * Events of the account after the cursor, up to the wallet's last.  The caller
 * frees the list, after a failure too.
 */
bool verify_read_events(struct verify *verify, const char *account,
    const char *cursor, const struct verify_wallet *wallet,
    struct verify_events *events);

#endif
