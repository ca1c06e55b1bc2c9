/*
 * mirror.h: what the mirror role works with.
 *
 * mirror.c carries commands, mirror_catalog.c plans and the catalog,
 * mirror_alias.c aliases of imported keys.
 */
#ifndef TOLLGATE_MIRROR_H
#define TOLLGATE_MIRROR_H

#include "conf.h"
#include "pg.h"
#include "rds.h"

#define MIRROR_TEXT_MAX    256
#define MIRROR_KEY_MAX     32     /* the id of a key */
#define MIRROR_COMPARE_MS  3000   /* how soon a wiped store is noticed */
#define MIRROR_WAIT_MS     100    /* of a shard that has to wait */

struct mirror {
    const struct conf  *conf;
    pg_t               *pg;
    rds_t              *rds;
    int                 shards;
    bool                attached;
    bool                owner;
    bool                idle;           /* nothing to do until a notice */
    int64_t             version;        /* of the catalog that was carried */
    int64_t             compare_at_ms;
    bool                waiting;        /* a shard for its wallets, or server */
    bool               *waits;          /* which of them do */
    bool                unanswered;     /* some of them for their server */
    bool                hurried;        /* redis may lack aliases */
    bool                holed;          /* some weren't written, this round */
    bool                hole_told;
    int64_t             round_at_ms;    /* when the next of them are due */
    char                round_after[MIRROR_KEY_MAX];
};

/* The words of one command to Redis; they own nothing. */
struct mirror_words {
    const char  **words;
    int           count;
    int           size;
};

void mirror_add(struct mirror_words *words, const char *word);

/*
 * Carries plans and the catalog where Postgres has newer ones, and now and
 * then looks whether Redis still has them.  False, and logged, on failure.
 */
bool mirror_catalog(struct mirror *mirror);

/*
 * Carries aliases that are new or have changed, then some of all the others
 * again: at once after _hurry(), else a few now and then.  False, and logged,
 * where the connection is lost.
 */
bool mirror_aliases(struct mirror *mirror);
void mirror_hurry(struct mirror *mirror);

/* Log what a call failed with and return false. */
bool mirror_failed(const struct mirror *mirror, const char *what);
bool mirror_redis_failed(const struct mirror *mirror, const char *what);

#endif
