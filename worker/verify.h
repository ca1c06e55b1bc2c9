/*
 * verify.h: the proof that Redis and the ledger hold the same credits.
 *
 * verify.c compares, verify_redis.c and verify_ledger.c read the two sides,
 * verify_pockets.c knows what either has in pockets.
 * The role proof and the route of the API use it, each with connections of
 * its own.
 */
#ifndef TOLLGATE_VERIFY_H
#define TOLLGATE_VERIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pg.h"
#include "rds.h"

#define VERIFY_ACCOUNT_LEN  10
#define VERIFY_PAGE         2000    /* accounts that are read at a time */

struct verify {
    pg_t   *pg;
    rds_t  *rds;
    long    shards;
};

/* The wallet as Redis has it; all 0 where there is none. */
struct verify_wallet {
    bool     exists;
    int64_t  epoch;
    int64_t  seq;
    int64_t  avail;
    int64_t  held;
    int64_t  records;       /* sum of what its holds and leases say */
    int64_t  leased;        /* of leases alone */
    int64_t  cmd;
};

/* What the ledger knows, and what lies between it and Redis. */
struct verify_side {
    int64_t  epoch;
    int64_t  last_seq;
    int64_t  avail;         /* after the last settled event */
    int64_t  held;
    int64_t  balance;
    int64_t  unapplied;     /* sum of commands that Redis hasn't applied */
    int64_t  unsettled;     /* sum of events that the ledger hasn't booked */
    int64_t  registered;    /* sum of all events not settled */
    bool     gap;
};

/* An event of an account that may not be settled yet. */
struct verify_event {
    int64_t  seq;
    int64_t  delta;
    bool     command;
    char    *items;         /* where they name pockets, else NULL */
};

enum verify_state {
    VERIFY_OPEN,       /* it moved each time that it was looked at */
    VERIFY_HOLDS,
    VERIFY_DIFFERS
};

struct verify_pocket;

/* What is wrong, and what to do about it. */
struct verify_reason {
    const char  *name;
    bool         moves;     /* by an amount that changes while it lasts */
    const char  *hint;
};

struct verify_account {
    char                          id[VERIFY_ACCOUNT_LEN + 1];
    unsigned                      shard;
    enum verify_state             state;
    bool                          busy;      /* others are at work on it */
    struct verify_wallet          wallet;
    struct verify_side            side;
    struct verify_event          *events;
    size_t                        count;
    size_t                        size;
    bool                          reached;   /* the wallet's last is there */
    const struct verify_reason   *reason;    /* of what was seen last */
    int64_t                       redis;     /* the two sides of it */
    int64_t                       ledger;
    int64_t                       known_epoch;   /* where the ledger was */
    int64_t                       known_seq;     /* at the look before */
    struct verify_pocket         *pockets;
    size_t                        pocket_count;
    bool                          pockets_hidden;    /* some can't be read */
};

/* Connects, and learns the number of shards.  False where that fails. */
bool verify_ready(struct verify *verify) __attribute__((warn_unused_result));

/*
 * The next accounts behind one of a shard, in order of shards and ids, as
 * many as there is room for; -1 where they can't be read.
 */
int verify_next(struct verify *verify, unsigned shard, const char *after,
    struct verify_account *accounts, int room);

/* One account by its id; its shard is filled in. */
void verify_name(const struct verify *verify, struct verify_account *account,
    const char *id);

/*
 * Judges accounts, which are in order of shards and ids.  What differs was
 * seen twice, some time apart, and nothing that moves explains it.  One that
 * is busy stays open: its wallet is being made again.  False
 * where a side can't be read; then nothing is known of those that are open.
 */
bool verify_judge(struct verify *verify, struct verify_account *accounts,
    int count) __attribute__((warn_unused_result));

/* Ids of accounts that are open as an array of Postgres, for free(). */
char *verify_ids(const struct verify_account *accounts, int count);

/* --- for verify.c alone --- */

/* Wallets of accounts that are open.  False if Redis doesn't answer. */
bool verify_read_wallets(struct verify *verify,
    struct verify_account *accounts, int count);

/*
 * Events after a cursor of the stream of a shard, of those accounts that are
 * open, which are all of that shard.
 */
bool verify_read_events(struct verify *verify, const char *cursor,
    struct verify_account *accounts, int count);

/* Where settle stands in the stream of a shard. */
bool verify_read_cursor(struct verify *verify, unsigned shard, char *cursor,
    size_t size);

/* Frees what was kept of events. */
void verify_forget_events(struct verify_account *account);

/* Pockets: what fields of the wallet, the ledger and events say of them. */
void verify_pockets_forget(struct verify_account *account);
void verify_pockets_head(struct verify_account *account, const char *text);
void verify_pockets_tail(struct verify_account *account, const char *text);
void verify_pockets_held(struct verify_account *account, const char *record);
void verify_pockets_ledger(struct verify_account *account, const char *list);
void verify_pockets_unapplied(struct verify_account *account,
    const char *list, int64_t delta);
void verify_pockets_event(struct verify_account *account, const char *items,
    int64_t delta);

/* Whether both sides have the same in each; else the sides of one. */
bool verify_pockets_hold(const struct verify_account *account, int64_t *redis,
    int64_t *ledger);

/* What the ledger has of accounts that are open, at one moment. */
bool verify_read_sides(struct verify *verify, struct verify_account *accounts,
    int count);

#endif
