
/*
 * ngx_http_tollgate_lease.h: credits, units and tokens that Redis has lent to
 * this host.  Its processes spend them from pools in shared memory, note each
 * request in a file, and tell Redis of it in batches.
 */


#ifndef _NGX_HTTP_TOLLGATE_LEASE_H_INCLUDED_
#define _NGX_HTTP_TOLLGATE_LEASE_H_INCLUDED_


#include "ngx_http_tollgate_metrics.h"


/* how long a lease is good for after a call that Redis has answered, in us */

#define NGX_HTTP_TOLLGATE_LEASE_CONFIRM   500000

/* what is lent is meant to last so long, and goes back when idle, in us */

#define NGX_HTTP_TOLLGATE_LEASE_SPAN      250000
#define NGX_HTTP_TOLLGATE_LEASE_IDLE      1000000

/* how long one that is to close waits for what was spent of it, in us */

#define NGX_HTTP_TOLLGATE_LEASE_PATIENCE  5000000

#define NGX_HTTP_TOLLGATE_LEASE_RINGS     1024
#define NGX_HTTP_TOLLGATE_LEASE_HOST_LEN  16
#define NGX_HTTP_TOLLGATE_LEASE_NONE      0xffffffff


/* what tollgate_leases says */

struct ngx_http_tollgate_leases_s {
    ngx_path_t                      *path;
    ngx_shm_zone_t                  *zone;
    size_t                           size;
    ngx_msec_t                       flush;
    ngx_uint_t                       records;
};


typedef enum {
    NGX_HTTP_TOLLGATE_LEASE_FREE = 0,
    NGX_HTTP_TOLLGATE_LEASE_OPENING,    /* Redis is to be asked for one */
    NGX_HTTP_TOLLGATE_LEASE_OPEN,
    NGX_HTTP_TOLLGATE_LEASE_CLOSING,    /* all of it is to go back */
    NGX_HTTP_TOLLGATE_LEASE_STRICT      /* there is none for a while */
} ngx_http_tollgate_lease_state_e;


typedef enum {
    NGX_HTTP_TOLLGATE_LEASE_PAYG = 0,
    NGX_HTTP_TOLLGATE_LEASE_SUBSCRIPTION,
    NGX_HTTP_TOLLGATE_LEASE_HYBRID,
    NGX_HTTP_TOLLGATE_LEASE_MODES
} ngx_http_tollgate_lease_mode_e;


/* requests that a rate has room for, taken ahead, until a time */

typedef struct {
    int64_t                          burst;
    int64_t                          interval;  /* us, 0: no rate */
    int64_t                          tokens;
    int64_t                          until;
} ngx_http_tollgate_lease_rate_t;


/*
 * The lease of a key, in shared memory: its pools, and what Redis answered
 * last.  Times are those of ngx_http_tollgate_lease_now().
 */

typedef struct {
    uint32_t                         next;      /* in its bucket, or free */
    uint32_t                         life;      /* grows when it is freed */
    uint32_t                         ring;      /* whose process calls for it */
    uint32_t                         store;     /* its number */
    uint32_t                         shard;
    ngx_http_tollgate_lease_state_e  state;
    ngx_http_tollgate_lease_mode_e   mode;
    u_char                           hash[NGX_HTTP_TOLLGATE_HASH_LEN];
    u_char                           account[NGX_HTTP_TOLLGATE_ACCOUNT_LEN];
    ngx_http_tollgate_text_t         key;
    ngx_http_tollgate_text_t         app;
    ngx_http_tollgate_text_t         plan;
    int64_t                          tier;
    int64_t                          epoch;
    int64_t                          no;        /* of the last call taken */
    int64_t                          avail;     /* in the wallet */

    int64_t                          credits;   /* the pools: never below 0 */
    int64_t                          units;
    int64_t                          units_until;
    ngx_http_tollgate_lease_rate_t   rates[2];  /* of key and app */
    ngx_http_tollgate_limit_t        quotas[2]; /* of day and month */
    int64_t                          unsent;    /* records not told of yet */

    int64_t                          until;     /* nothing is spent after */
    int64_t                          spent_at;  /* or was asked for */
    int64_t                          called_at;
    int64_t                          since;     /* of state */
    int64_t                          wanted[3]; /* since called_at: credits,
                                                   units, requests */
    int64_t                          speed[3];  /* the same in _SPAN */
    int64_t                          price[3];  /* of one request */
    unsigned                         refused:1; /* by Redis, or recalled */
} ngx_http_tollgate_lease_t;


typedef struct {
    u_char                           host[NGX_HTTP_TOLLGATE_LEASE_HOST_LEN];
    u_char                           used[NGX_HTTP_TOLLGATE_LEASE_RINGS];
    uint32_t                         n;
    uint32_t                         free;      /* the first, or _NONE */
    uint32_t                         nbuckets;
    uint32_t                        *buckets;
    ngx_http_tollgate_lease_t       *leases;
} ngx_http_tollgate_lease_sh_t;


typedef enum {
    NGX_HTTP_TOLLGATE_RECORD_FREE = 0,
    NGX_HTTP_TOLLGATE_RECORD_TAKEN,             /* is charged, or will be */
    NGX_HTTP_TOLLGATE_RECORD_BACK,              /* and then given back */
    NGX_HTTP_TOLLGATE_RECORD_VOID               /* never was */
} ngx_http_tollgate_record_e;


/* a request that was decided by a lease; in the file, a sector of a disk */

typedef struct {
    uint64_t                         no;        /* grows for ever in a ring */
    uint32_t                         state;
    uint32_t                         store;
    uint32_t                         shard;
    uint32_t                         lease;     /* by its number in the zone */
    uint32_t                         life;
    u_char                           account[NGX_HTTP_TOLLGATE_ACCOUNT_LEN];
    int64_t                          credits;
    int64_t                          units;
    int64_t                          epoch;
    int64_t                          day_end;
    int64_t                          month_end;
    ngx_http_tollgate_text_t         request_id;
    ngx_http_tollgate_text_t         key;
    ngx_http_tollgate_text_t         app;
    ngx_http_tollgate_text_t         feature;
    ngx_http_tollgate_text_t         model;
} ngx_http_tollgate_record_t;


typedef union {
    ngx_http_tollgate_record_t       record;
    u_char                           sector[512];
} ngx_http_tollgate_slot_t;


typedef struct {
    u_char                           magic[8];
    u_char                           host[NGX_HTTP_TOLLGATE_LEASE_HOST_LEN];
    uint32_t                         slots;
    uint32_t                         open;      /* some process had it last */
} ngx_http_tollgate_ring_head_t;


typedef struct ngx_http_tollgate_ring_s   ngx_http_tollgate_ring_t;
typedef struct ngx_http_tollgate_lane_s   ngx_http_tollgate_lane_t;


/* records of a shard in the order of their numbers, one call at a time */

struct ngx_http_tollgate_lane_s {
    ngx_queue_t                      queue;     /* of those with work */
    ngx_http_tollgate_ring_t        *ring;
    ngx_http_tollgate_store_t       *store;
    uint32_t                         shard;
    uint32_t                         first;     /* slots, or _NONE */
    uint32_t                         last;
    uint32_t                         due;       /* leases to call for */
    ngx_msec_t                       wait;      /* until then, if waits */
    unsigned                         active:1;
    unsigned                         calling:1;
    unsigned                         waits:1;
};


/* a ring of this process, or of one that died; what is not in its file */

struct ngx_http_tollgate_ring_s {
    ngx_queue_t                      queue;
    ngx_fd_t                         fd;
    uint32_t                         number;    /* of the file */
    uint32_t                         n;
    size_t                           size;
    ngx_http_tollgate_ring_head_t   *head;
    ngx_http_tollgate_slot_t        *slots;
    uint32_t                        *next;      /* in its lane, or free */
    ngx_msec_t                      *at;
    u_char                          *entry;     /* of the call, + 1; 0: none */
    uint32_t                         free;
    uint32_t                         unsent;
    uint64_t                         no;        /* of the last record */
    ngx_http_tollgate_lane_t        *lanes;     /* by store and shard */
    ngx_uint_t                       nlanes;
    ngx_queue_t                      active;
};


/* a lease in a call; own: of this process, else its records are told of */

typedef struct {
    uint32_t                         lease;
    uint32_t                         life;
    uint32_t                         n;         /* records */
    uint32_t                         first;     /* slot of one */
    int64_t                          no;
    int64_t                          epoch;
    int64_t                          want[4];   /* credits, units, tokens */
    int64_t                          give[2];
    int64_t                          sent_at;
    unsigned                         own:1;
    unsigned                         closes:1;
    unsigned                         ends:1;    /* with what it gives */
} ngx_http_tollgate_entry_t;


/* a call of lease.lua; an answer to one lease has so many fields */

#define NGX_HTTP_TOLLGATE_LEASE_ENTRIES   32
#define NGX_HTTP_TOLLGATE_LEASE_RECORDS   512
#define NGX_HTTP_TOLLGATE_LEASE_WIDTH     24

typedef struct {
    ngx_http_tollgate_lane_t        *lane;
    ngx_uint_t                       n;
    ngx_uint_t                       records;
    ngx_http_tollgate_entry_t        entries[NGX_HTTP_TOLLGATE_LEASE_ENTRIES];
} ngx_http_tollgate_flush_t;


/* a lease that this process calls for */

typedef struct {
    uint32_t                         lease;
    uint32_t                         life;
    uint32_t                         due;       /* the next of the lane */
    unsigned                         called:1;  /* a call is under way */
    unsigned                         listed:1;  /* in due of the lane */
} ngx_http_tollgate_held_t;


/* what a process has of all that */

typedef struct {
    ngx_http_tollgate_main_conf_t   *conf;      /* NULL: there are none */
    ngx_http_tollgate_lease_sh_t    *sh;
    ngx_slab_pool_t                 *shpool;
    ngx_http_tollgate_ring_t        *ring;      /* NULL: nothing is leased */
    ngx_queue_t                      rings;     /* that one too */
    ngx_http_tollgate_held_t        *held;      /* as many as leases */
    uint32_t                         nheld;
    uint32_t                        *places;    /* by lease, in held */
    ngx_event_t                      tick;
    ngx_event_t                      watch;     /* for rings of the dead */
    ngx_msec_t                       leaving;   /* since, 0: it does not */
} ngx_http_tollgate_lease_local_t;


extern ngx_http_tollgate_lease_local_t  ngx_http_tollgate_lease_local;


/* what can't be is told, and goes on: nginx never dies for us */

#define ngx_http_tollgate_assert(true)                                        \
    if (!(true)) {                                                            \
        ngx_log_error(NGX_LOG_ALERT, ngx_cycle->log, 0,                       \
                      "tollgate: lease: \"" #true "\" does not hold");        \
    }

#define ngx_http_tollgate_lease_at(i)                                         \
    (&ngx_http_tollgate_lease_local.sh->leases[i])


/* _lease_conf.c */
char *ngx_http_tollgate_lease_conf(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
ngx_int_t ngx_http_tollgate_lease_init(ngx_conf_t *cf,
    ngx_http_tollgate_main_conf_t *tmcf);

/*
 * _lease.c: NGX_OK decided, NGX_DECLINED: Redis has to be asked.  _asked() is
 * told what Redis said, _end() whether it costs nothing: 1 if that was all.
 */
ngx_int_t ngx_http_tollgate_lease(ngx_http_tollgate_ctx_t *ctx);
void ngx_http_tollgate_lease_asked(ngx_http_tollgate_ctx_t *ctx);
ngx_uint_t ngx_http_tollgate_lease_end(ngx_http_tollgate_ctx_t *ctx);

/* NGX_AGAIN: what is lent may come back, so ask again later */
ngx_int_t ngx_http_tollgate_lease_recall(ngx_http_tollgate_ctx_t *ctx);

/* _lease_zone.c, called locked but for _zone_init(); numbers or _NONE */
ngx_int_t ngx_http_tollgate_lease_zone_init(ngx_shm_zone_t *shm_zone,
    void *data);
uint32_t ngx_http_tollgate_lease_find(u_char *hash, uint32_t store);
uint32_t ngx_http_tollgate_lease_add(u_char *hash, uint32_t store);
void ngx_http_tollgate_lease_remove(uint32_t i);
void ngx_http_tollgate_lease_turn(ngx_http_tollgate_lease_t *lease,
    ngx_http_tollgate_lease_state_e state, int64_t now);

/* not locked: credits and units in all pools */
void ngx_http_tollgate_lease_sums(int64_t *sums);


/* _lease_ring.c: the NULL of _ring_add() is that there is no room */
ngx_http_tollgate_ring_t *ngx_http_tollgate_ring_take(ngx_log_t *log);
ngx_http_tollgate_ring_t *ngx_http_tollgate_ring_dead(uint32_t *number,
    ngx_log_t *log);
void ngx_http_tollgate_ring_leave(ngx_http_tollgate_ring_t *ring,
    ngx_uint_t clean);
ngx_uint_t ngx_http_tollgate_ring_room(ngx_http_tollgate_ring_t *ring);
uint32_t ngx_http_tollgate_ring_add(ngx_http_tollgate_ring_t *ring,
    ngx_http_tollgate_ctx_t *ctx);
void ngx_http_tollgate_ring_free(ngx_http_tollgate_ring_t *ring,
    uint32_t slot);

/* _lease_lane.c; _skip() takes a slot out, and returns the one behind it */
ngx_http_tollgate_lane_t *ngx_http_tollgate_lane(
    ngx_http_tollgate_ring_t *ring, uint32_t store, uint32_t shard);
void ngx_http_tollgate_lane_wake(ngx_http_tollgate_lane_t *lane);
void ngx_http_tollgate_lane_add(ngx_http_tollgate_lane_t *lane,
    uint32_t slot);
uint32_t ngx_http_tollgate_lane_skip(ngx_http_tollgate_lane_t *lane,
    uint32_t before, uint32_t slot);

/* _lease_flush.c: the process' part, its timers, and whom it calls for */
ngx_int_t ngx_http_tollgate_lease_start(ngx_http_tollgate_main_conf_t *tmcf,
    ngx_cycle_t *cycle);
void ngx_http_tollgate_lease_exit(void);
void ngx_http_tollgate_lease_wake(ngx_msec_t ms);
void ngx_http_tollgate_lease_hold(uint32_t i);
void ngx_http_tollgate_lease_drop(uint32_t place);

/*
 * _lease_call.c: a call of lease.lua for a lane.  NGX_DONE: there is nothing
 * to tell; NGX_AGAIN: not now
 */
ngx_int_t ngx_http_tollgate_lease_call(ngx_http_tollgate_lane_t *lane);

/* _lease_reply.c; _lost(): whether it ran is not known, wait for so many ms */
ngx_int_t ngx_http_tollgate_flush_reply(ngx_http_tollgate_call_t *call,
    ngx_http_tollgate_reply_t *reply);
void ngx_http_tollgate_flush_lost(ngx_http_tollgate_flush_t *flush,
    ngx_msec_t wait);

/* _lease_answer.c; called locked: how a lease is told of, and what becomes */
void ngx_http_tollgate_lease_entry(ngx_http_tollgate_entry_t *entry,
    uint32_t i, int64_t now);
void ngx_http_tollgate_lease_answer(ngx_http_tollgate_entry_t *entry,
    ngx_http_tollgate_value_t *v, int64_t redis_us);
ngx_int_t ngx_http_tollgate_lease_check(ngx_http_tollgate_value_t *v);
ngx_uint_t ngx_http_tollgate_lease_used_up(ngx_http_tollgate_lease_t *lease);
ngx_uint_t ngx_http_tollgate_lease_taken(ngx_http_tollgate_value_t *v);


/* no wall clock: what is lent runs out while a machine sleeps, too */

static ngx_inline int64_t
ngx_http_tollgate_lease_now(void)
{
    struct timespec  ts;

    (void) clock_gettime(CLOCK_BOOTTIME, &ts);

    return (int64_t) ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}


#endif /* _NGX_HTTP_TOLLGATE_LEASE_H_INCLUDED_ */
