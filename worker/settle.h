/*
 * settle.h: what the settle role works with.
 *
 * settle_claim.c decides which streams are this process's, settle_behind.c
 * which of them can be settled, settle_store.c whether their stores lost data,
 * settle_inspect.c what these lost, settle_recover.c makes wallets again,
 * settle_read.c reads the streams, settle.c posts what they hold,
 * settle_source.c knows which batches of usage came before, settle_trim.c
 * removes what is settled, settle_expire.c ends holds and credits of theirs,
 * settle_lease.c takes back what is on lease to hosts that are gone.
 */
#ifndef TOLLGATE_SETTLE_H
#define TOLLGATE_SETTLE_H

#include "conf.h"
#include "fold.h"
#include "pg.h"
#include "rds.h"
#include "rows.h"
#include "token.h"

#define SETTLE_NAME_MAX   160
#define SETTLE_ID_MAX     48
#define SETTLE_STORE_ID   32     /* digits */
#define SETTLE_REPLID_MAX 64

/* Epochs are entries of a ledger stream that are posted apart. */
enum settle_kind { SETTLE_LEDGER, SETTLE_USAGE, SETTLE_EPOCHS };

/* The columns of recover_seen, and how many fields of a wallet they are. */
extern const char  settle_seen_columns[];
#define SETTLE_SEEN_FIELDS  5

struct settle_stream {
    char              name[SETTLE_NAME_MAX];
    char              cursor[SETTLE_ID_MAX];
    enum settle_kind  kind;
    bool              behind;       /* is not settled: see settle_behind.c */
    int               shard;                        /* -1: no ledger stream */
    char              store[SETTLE_STORE_ID + 1];   /* as Postgres knows it */
    char              replid[SETTLE_REPLID_MAX];
    bool              sound;        /* the store is the one that is known */
    bool              back;         /* of usage: its ids are below the cursor */
    unsigned          looks;        /* how often it was found to be sound */
    bool              asked;        /* is read, from there and as it was then */
    unsigned          asked_looks;
    char              asked_from[SETTLE_ID_MAX];
};

struct settle_sources {
    struct settle_source  *list;
    size_t                 count;
};

struct settle {
    const struct conf     *conf;
    pg_t                  *pg;
    rds_t                 *rds;
    rds_t                 *ahead;          /* reads streams, and no more */
    bool                   asked;          /* it does */
    struct settle_stream  *streams;
    int                    count;
    int                    batch;          /* entries of a stream to read */
    int                    next;           /* stream to be read */
    bool                   found;          /* something since the first one */
    int                    shards;
    bool                   attached;
    bool                   owns_usage;
    bool                   replays;        /* what was settled before */
    int64_t                claim_at_ms;
    int64_t                expire_at_ms;
    int64_t                trim_at_ms;
    int64_t                look_at_ms;
    int64_t                lease_at_ms;
    struct settle_leases  *leases;         /* by shard */
    struct rows            rows;
    struct settle_sources  sources;
    struct usage_batch     usage;
    struct fold            fold;
    struct rows            seen;           /* wallets, as they were found */
};

/*
 * Connects and takes what is free of streams; true if that is done already.
 * After a failure of anything settle_detach() gives all of it back.
 */
bool settle_attach(struct settle *settle);
bool settle_claim(struct settle *settle);
void settle_detach(struct settle *settle);

/* Copies rows to a table, where there are some. */
bool settle_copy(struct settle *settle, const char *table, const char *columns,
    const struct rows *rows);

/*
 * Posts the accounts that are folded and moves the cursor, in the transaction
 * that is open.  Where some can't be posted so they are to go the long way,
 * and the batch begins again.
 */
enum settle_plain { SETTLE_PLAIN_DONE, SETTLE_PLAIN_AGAIN,
                    SETTLE_PLAIN_FAILED };

enum settle_plain settle_plain(struct settle *settle,
    const struct settle_stream *stream, const char *to);

/* The stream of that name among those that are owned, or NULL. */
struct settle_stream *settle_find(struct settle *settle, const char *name);

/*
 * Asks for what the next streams hold; takes it, into an array of a reply for
 * each stream, which the caller clears.  NULL is that of a stream which can't
 * be read now, and hinders no other.  meanwhile() is for loop_meanwhile().
 */
bool settle_ask(struct settle *settle);
bool settle_take(struct settle *settle, rds_reply_t **replies);
int64_t settle_meanwhile(void *data);

/* Reads where a stream goes on, and whether it can; looks again later. */
bool settle_read_cursor(struct settle *settle, struct settle_stream *stream);
bool settle_place(struct settle *settle, struct settle_stream *stream);
bool settle_behind(struct settle *settle);

/*
 * Removes what is settled from a stream: count entries from the cursor before,
 * which is '' where that isn't known.
 */
bool settle_trim(struct settle *settle, const struct settle_stream *stream,
    const char *before, size_t count);

/* From time to time removes what was kept long enough. */
bool settle_trim_kept(struct settle *settle);

/* The key of the hash that tells of a stream, see redis/trim.lua. */
void settle_store(const struct settle_stream *stream, char *store,
    size_t size);

/*
 * Now and then looks whether the stores of the shards lost data, and makes the
 * wallets again that have to be.  A stream that isn't sound is not read.
 */
bool settle_look(struct settle *settle);

/* Which stores are still the same after the streams were read. */
bool settle_stores_same(struct settle *settle, rds_reply_t *const *replies);
bool settle_store_same(struct settle *settle, struct settle_stream *stream);

/*
 * Asks what the store of a stream is; has the stream go on behind the cursor,
 * unless that is "-".  The reply comes by rds_next(); a text of it, never NULL.
 */
enum settle_store_field { STORE_ID, STORE_REPLID, STORE_LAST, STORE_UNKNOWN };

bool settle_store_ask(rds_t *rds, const struct settle_stream *stream,
    const char *cursor);
const char *settle_store_text(const rds_reply_t *reply,
    enum settle_store_field field);

/*
 * Looks a store through, of which that was found and this id is known (NULL:
 * none), and marks it as sound.
 */
bool settle_inspect(struct settle *settle, struct settle_stream *stream,
    const char *reason, const rds_reply_t *found, const char *known);

/* Makes wallets again, of one shard, which may be unsound, or of all. */
bool settle_recover(struct settle *settle, struct settle_stream *only);

/* Posts what a ledger stream holds at the time of the call. */
bool settle_drain(struct settle *settle, struct settle_stream *stream);

/* Ids of entries. */
bool settle_last_id(struct settle *settle, const struct settle_stream *stream,
    char *id, size_t size);
bool settle_is_below(const char *id, const char *other);

/* Now and then takes back what is on lease to hosts that are not heard of. */
bool settle_lease(struct settle *settle);
void settle_lease_free(struct settle *settle);

/* Once a second gives back what is held for requests that nobody settled. */
bool settle_expire(struct settle *settle);

/*
 * Batches of usage records, each of which counts once.  load() reads what was
 * taken, by whoever owned the streams before.  Between begin() and done(),
 * which says that the transaction is committed, take() tells whether an entry
 * is new, and post() notes them in the transaction.
 */
bool settle_source_load(struct settle *settle);
void settle_source_begin(struct settle *settle);
bool settle_source_take(struct settle *settle, const rds_reply_t *entry);
bool settle_source_post(struct settle *settle);
void settle_source_done(struct settle *settle);

/* Log what a call failed with and return false. */
bool settle_failed(const struct settle *settle, const char *what);
bool settle_redis_failed(const struct settle *settle, const char *what);

#endif
