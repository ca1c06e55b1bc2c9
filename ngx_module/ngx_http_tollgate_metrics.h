
/*
 * ngx_http_tollgate_metrics.h: what the gate counts, in shared memory.
 *
 * Every nginx worker adds to the same counters, so that a page read from any
 * of them is the sum.  Nothing here blocks or fails a request: where a table
 * is full or memory is short, "other" counts for the rest.
 */


#ifndef _NGX_HTTP_TOLLGATE_METRICS_H_INCLUDED_
#define _NGX_HTTP_TOLLGATE_METRICS_H_INCLUDED_


#include "ngx_http_tollgate.h"


/* rows of the tables of plans and servers; more are counted as "other" */

#define NGX_HTTP_TOLLGATE_METRICS_ROWS     64

#define NGX_HTTP_TOLLGATE_METRICS_BUCKETS  14


/* places of the rows that are always there */

#define NGX_HTTP_TOLLGATE_METRICS_OTHER    0
#define NGX_HTTP_TOLLGATE_METRICS_NONE     1    /* no plan is known */
#define NGX_HTTP_TOLLGATE_METRICS_FIXED    2


/* in the order of names in _status.c */

typedef enum {
    NGX_HTTP_TOLLGATE_READ_LOADED = 0,
    NGX_HTTP_TOLLGATE_READ_INVALID,
    NGX_HTTP_TOLLGATE_READ_NO_ROOM,
    NGX_HTTP_TOLLGATE_READS
} ngx_http_tollgate_read_e;


typedef enum {
    NGX_HTTP_TOLLGATE_BACK_OUTCOME = 0, /* the outcome isn't one that is paid */
    NGX_HTTP_TOLLGATE_BACK_LATE,        /* charged after nobody waited */
    NGX_HTTP_TOLLGATE_BACKS
} ngx_http_tollgate_back_e;


/* what a hold was committed at */

typedef enum {
    NGX_HTTP_TOLLGATE_COMMIT_HELD = 0,  /* nothing told what it came to */
    NGX_HTTP_TOLLGATE_COMMIT_ACTUAL,
    NGX_HTTP_TOLLGATE_COMMITS
} ngx_http_tollgate_commit_e;


/* what became of a question to tollgate_self */

typedef enum {
    NGX_HTTP_TOLLGATE_LOOK_ANSWERED = 0,
    NGX_HTTP_TOLLGATE_LOOK_REFUSED,
    NGX_HTTP_TOLLGATE_LOOK_UNREACHABLE,
    NGX_HTTP_TOLLGATE_LOOK_GONE,
    NGX_HTTP_TOLLGATE_LOOKS
} ngx_http_tollgate_look_e;


/* why Redis decides on a request that a lease might have */

typedef enum {
    NGX_HTTP_TOLLGATE_STRICT_NEW = 0,   /* the key has none yet */
    NGX_HTTP_TOLLGATE_STRICT_OLD,       /* Redis did not confirm it */
    NGX_HTTP_TOLLGATE_STRICT_EMPTY,
    NGX_HTTP_TOLLGATE_STRICT_RATE,
    NGX_HTTP_TOLLGATE_STRICT_REFUSED,   /* Redis lends nothing to the key */
    NGX_HTTP_TOLLGATE_STRICT_RING,      /* no room for another record */
    NGX_HTTP_TOLLGATE_STRICTS,
    NGX_HTTP_TOLLGATE_STRICT_NOT
} ngx_http_tollgate_strict_e;


/* those of error replies are their first words */

typedef enum {
    NGX_HTTP_TOLLGATE_FAULT_CONNECTION = 0,
    NGX_HTTP_TOLLGATE_FAULT_TIMEOUT,
    NGX_HTTP_TOLLGATE_FAULT_ASK,
    NGX_HTTP_TOLLGATE_FAULT_BUSY,
    NGX_HTTP_TOLLGATE_FAULT_CLUSTERDOWN,
    NGX_HTTP_TOLLGATE_FAULT_EXECABORT,
    NGX_HTTP_TOLLGATE_FAULT_LOADING,
    NGX_HTTP_TOLLGATE_FAULT_MOVED,
    NGX_HTTP_TOLLGATE_FAULT_NOSCRIPT,
    NGX_HTTP_TOLLGATE_FAULT_OOM,
    NGX_HTTP_TOLLGATE_FAULT_READONLY,
    NGX_HTTP_TOLLGATE_FAULT_TRYAGAIN,
    NGX_HTTP_TOLLGATE_FAULT_OTHER,
    NGX_HTTP_TOLLGATE_FAULTS
} ngx_http_tollgate_fault_e;


typedef struct {
    ngx_atomic_t                     buckets[NGX_HTTP_TOLLGATE_METRICS_BUCKETS];
    ngx_atomic_t                     sum;       /* us */
} ngx_http_tollgate_histogram_t;


/* rows of tables begin with their name, which is in shared memory too */

typedef struct {
    ngx_str_t                        code;
    ngx_atomic_t                     decisions[2][NGX_HTTP_TOLLGATE_VERDICTS];
    ngx_atomic_t                     credits;   /* micro */
    ngx_atomic_t                     credits_back;
    ngx_atomic_t                     credits_dry;
    ngx_atomic_t                     units;
    ngx_atomic_t                     units_back;
    ngx_atomic_t                     units_dry;
} ngx_http_tollgate_plan_metrics_t;


struct ngx_http_tollgate_server_metrics_s {
    ngx_str_t                        name;
    ngx_atomic_t                     life;      /* last that has it, or 0 */
    ngx_atomic_t                     up;
    ngx_atomic_t                     calls;
    ngx_atomic_t                     faults[NGX_HTTP_TOLLGATE_FAULTS];
    ngx_http_tollgate_histogram_t    durations;
};


typedef struct {
    ngx_slab_pool_t                 *shpool;
    ngx_atomic_t                     life;      /* grows by a configuration */
    ngx_http_tollgate_histogram_t    decisions;
    ngx_atomic_t                     backs[NGX_HTTP_TOLLGATE_BACKS];
    ngx_atomic_t                     looks[NGX_HTTP_TOLLGATE_LOOKS];
    ngx_atomic_t                     voids;
    ngx_atomic_t                     commits[NGX_HTTP_TOLLGATE_COMMITS];
    ngx_atomic_t                     leased;    /* decided by a lease */
    ngx_atomic_t                     stricts[NGX_HTTP_TOLLGATE_STRICTS];
    ngx_atomic_t                     flushes;
    ngx_atomic_t                     lost;      /* debts given up */
    ngx_atomic_t                     records;   /* of usage */
    ngx_atomic_t                     dropped;
    ngx_atomic_t                     reads[NGX_HTTP_TOLLGATE_READS];
    ngx_atomic_t                     version;   /* of the catalog */
    ngx_atomic_t                     full;      /* no memory for more rows */
    ngx_atomic_t                     nplans;
    ngx_atomic_t                     nservers;
    ngx_str_t                       *plans[NGX_HTTP_TOLLGATE_METRICS_ROWS];
    ngx_str_t                       *servers[NGX_HTTP_TOLLGATE_METRICS_ROWS];

    /* by process, so that one that dies takes its own with it */

    ngx_atomic_t                     debts[NGX_MAX_PROCESSES];
    ngx_atomic_t                     unsent[NGX_MAX_PROCESSES];
} ngx_http_tollgate_metrics_t;


/* of this process: the counters, and the life that it belongs to */

extern ngx_http_tollgate_metrics_t  *ngx_http_tollgate_metrics;
extern ngx_atomic_uint_t             ngx_http_tollgate_metrics_life;

/* upper bounds of the buckets but the last, in us */
extern int64_t  ngx_http_tollgate_metrics_bounds[];


#define ngx_http_tollgate_count(field, n)                                     \
    if (ngx_http_tollgate_metrics != NULL) {                                  \
        (void) ngx_atomic_fetch_add(&ngx_http_tollgate_metrics->field, n);    \
    }


/* NULL: no room */
ngx_http_tollgate_metrics_t *ngx_http_tollgate_metrics_create(
    ngx_slab_pool_t *shpool);
void ngx_http_tollgate_metrics_start(ngx_http_tollgate_metrics_t *metrics);

/* the decision is made; what is given back because of the outcome */
void ngx_http_tollgate_metrics_decision(ngx_http_tollgate_ctx_t *ctx);
void ngx_http_tollgate_metrics_refund(ngx_http_tollgate_ctx_t *ctx);

/* what is held came to actual, or that is not known */
void ngx_http_tollgate_metrics_commit(ngx_http_tollgate_ctx_t *ctx,
    int64_t actual, ngx_uint_t known);

/* what this process has yet to give back */
void ngx_http_tollgate_metrics_debts(ngx_int_t change);

/* a server is connected or not, had a fault, is not needed any more */
void ngx_http_tollgate_metrics_up(ngx_http_tollgate_redis_t *redis,
    ngx_uint_t up);
void ngx_http_tollgate_metrics_fault(ngx_http_tollgate_redis_t *redis,
    ngx_http_tollgate_fault_e fault);
void ngx_http_tollgate_metrics_gone(ngx_http_tollgate_redis_t *redis);

/* a call is sent; it has its reply */
void ngx_http_tollgate_metrics_call(ngx_http_tollgate_call_t *call);
void ngx_http_tollgate_metrics_reply(ngx_http_tollgate_call_t *call,
    ngx_http_tollgate_reply_t *reply);

/* _status.c */
ngx_int_t ngx_http_tollgate_status_handler(ngx_http_request_t *r);

/* _zone.c */
ngx_http_tollgate_metrics_t *ngx_http_tollgate_zone_metrics(
    ngx_shm_zone_t *zone);


#endif /* _NGX_HTTP_TOLLGATE_METRICS_H_INCLUDED_ */
