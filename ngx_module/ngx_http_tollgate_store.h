
/*
 * ngx_http_tollgate_store.h: what is asked of Redis and owed to it, the
 * servers of a store, and who finds them.  ngx_http_tollgate.h includes it.
 */


#ifndef _NGX_HTTP_TOLLGATE_STORE_H_INCLUDED_
#define _NGX_HTTP_TOLLGATE_STORE_H_INCLUDED_


/* a question to Redis, as gate.lua; outlives its request where it must */

/* what it is that a question wants to know */

typedef enum {
    NGX_HTTP_TOLLGATE_ASK_GATE = 0,
    NGX_HTTP_TOLLGATE_ASK_ALIAS,                /* whose key it is */
    NGX_HTTP_TOLLGATE_ASK_ALIASES               /* are all there? */
} ngx_http_tollgate_ask_e;


struct ngx_http_tollgate_ask_s {
    ngx_queue_t                      queue;
    ngx_http_tollgate_ask_e          about;
    ngx_http_tollgate_ctx_t         *ctx;       /* NULL: nobody waits */
    ngx_http_tollgate_node_t        *node;      /* whose queue it is in */
    ngx_event_t                      timer;
    ngx_msec_t                       timeout;
    ngx_http_tollgate_charge_t       charge;
    u_char                           hash[NGX_HTTP_TOLLGATE_HASH_LEN];
    size_t                           hash_len;
    u_char                           origin[NGX_HTTP_TOLLGATE_ORIGIN_LEN];
    size_t                           origin_len;
    u_char                           extras[NGX_HTTP_TOLLGATE_EXTRAS_LEN];
    size_t                           extras_len;
    int64_t                          tier;
    unsigned                         sent:1;
    unsigned                         again:1;   /* after NOSCRIPT */
    unsigned                         asking:1;  /* its slot is on its way */
    unsigned                         served:1;  /* without an answer */
    unsigned                         dry_run:1; /* a look too */
    unsigned                         look:1;
};


/* asks wait by what can go together, see _group.c */

#define NGX_HTTP_TOLLGATE_BUCKETS         64

/* a server of a store, and what waits for it */

struct ngx_http_tollgate_node_s {
    ngx_http_tollgate_redis_t        redis;     /* first: they are one */
    ngx_http_tollgate_store_t       *store;
    ngx_queue_t                      queue;
    ngx_pool_t                      *pool;      /* where the node is */
    ngx_addr_t                       addr;

    ngx_queue_t                      asks[NGX_HTTP_TOLLGATE_BUCKETS];
    ngx_uint_t                       nasks;

    ngx_queue_t                      debts;     /* see _refund.c */
    ngx_uint_t                       ndebts;    /* sent ones too */
    ngx_event_t                      debt_timer;
};


/* where the keys of a shard are; those of usage and the catalog come last */

typedef struct {
    ngx_uint_t                       slot;
    ngx_http_tollgate_node_t        *node;
    ngx_http_tollgate_node_t        *next;      /* as an answer says */
} ngx_http_tollgate_route_t;

#define ngx_http_tollgate_route_usage(store)    ((store)->conf->nshards)
#define ngx_http_tollgate_route_catalog(store)  ((store)->conf->nshards + 1)
#define ngx_http_tollgate_nroutes(store)        ((store)->conf->nshards + 2)


/* what one tollgate_redis names, and what a worker process has for it */

struct ngx_http_tollgate_store_s {
    ngx_http_tollgate_redis_conf_t   server;
    ngx_http_tollgate_main_conf_t   *conf;
    ngx_str_t                        said;      /* by the directive */
    ngx_log_t                       *log;

    uint32_t                         number;    /* of its address, see
                                                   _lease_flush.c */
    ngx_http_tollgate_route_t       *routes;
    ngx_queue_t                      nodes;
    ngx_http_tollgate_node_t         limbo;     /* for what has no place now */
    ngx_event_t                      limbo_timer;
    ngx_queue_t                      spare;     /* asks */
    ngx_http_tollgate_foreign_t     *foreign;   /* NULL until first used */

    /* of Sentinel and Cluster */

    ngx_http_tollgate_redis_t        scout;
    ngx_addr_t                      *scouted;   /* seeds and nodes */
    ngx_event_t                      scout_timer;
    ngx_msec_t                       answered;
    ngx_uint_t                       failures;  /* since the last answer */

    ngx_http_tollgate_chunk_t       *chunk;     /* of usage, being filled */
    ngx_queue_t                      chunks;    /* to be sent */
    ngx_uint_t                       nchunks;
    ngx_queue_t                      kept;      /* chunks, acknowledged */
    ngx_uint_t                       nkept;
    uint64_t                         last_no;   /* of chunks */
    u_char                           source[NGX_HTTP_TOLLGATE_SOURCE_LEN];
    size_t                           source_len;
    ngx_uint_t                       dropped;
    ngx_event_t                      usage_timer;
    ngx_http_tollgate_complaint_t    usage_lost;
    ngx_http_tollgate_complaint_t    catalog_missing;
    unsigned                         announced:1;
    unsigned                         paused:1;  /* usage, by the timer */

    unsigned                         poll:1;    /* the catalog is to be read */
    unsigned                         due:1;     /* the topology is to be read */
    unsigned                         pending:1; /* it has been asked for */
    unsigned                         used:1;
};


/* _ask.c */
ngx_int_t ngx_http_tollgate_ask(ngx_http_tollgate_ctx_t *ctx);
ngx_http_tollgate_ask_t *ngx_http_tollgate_ask_get(
    ngx_http_tollgate_store_t *store);
void ngx_http_tollgate_ask_start(ngx_http_tollgate_ask_t *ask,
    ngx_http_tollgate_ctx_t *ctx, ngx_http_tollgate_node_t *node);
void ngx_http_tollgate_ask_leave(ngx_http_tollgate_ctx_t *ctx);
void ngx_http_tollgate_ask_send(ngx_http_tollgate_node_t *node);
void ngx_http_tollgate_ask_put(ngx_http_tollgate_ask_t *ask,
    ngx_http_tollgate_node_t *node);
void ngx_http_tollgate_ask_move(ngx_http_tollgate_node_t *node);
void ngx_http_tollgate_ask_down(ngx_http_tollgate_node_t *node);
void ngx_http_tollgate_ask_exit(ngx_http_tollgate_store_t *store);
void ngx_http_tollgate_ask_end(ngx_http_tollgate_ask_t *ask);
void ngx_http_tollgate_ask_free(ngx_http_tollgate_ask_t *ask);
ngx_http_tollgate_ask_t *ngx_http_tollgate_ask_head(ngx_queue_t *list);

#define ngx_http_tollgate_ask_same(one, other)                                \
    ((one)->charge.shard == (other)->charge.shard                             \
     && ngx_memcmp((one)->charge.account, (other)->charge.account,            \
                   NGX_HTTP_TOLLGATE_ACCOUNT_LEN) == 0)

/* _group.c */
ngx_queue_t *ngx_http_tollgate_group_bucket(ngx_http_tollgate_node_t *node,
    ngx_http_tollgate_ask_t *ask);
ngx_int_t ngx_http_tollgate_group_send(ngx_http_tollgate_node_t *node,
    ngx_queue_t *bucket);
ngx_queue_t *ngx_http_tollgate_group_next(ngx_queue_t *list, ngx_queue_t *q,
    ngx_uint_t *n);

/* _answer.c */
ngx_int_t ngx_http_tollgate_answer(ngx_http_tollgate_call_t *call,
    ngx_http_tollgate_reply_t *reply);
void ngx_http_tollgate_answer_error(ngx_http_tollgate_call_t *call,
    ngx_http_tollgate_reply_t *reply, const char *what);

/* _foreign.c */
void ngx_http_tollgate_foreign_format(ngx_http_tollgate_call_t *call);
ngx_int_t ngx_http_tollgate_foreign_answer(ngx_http_tollgate_call_t *call,
    ngx_http_tollgate_reply_t *reply);
void ngx_http_tollgate_foreign_left(ngx_http_tollgate_ctx_t *ctx);
void ngx_http_tollgate_foreign_exit(ngx_http_tollgate_store_t *store);

/* _refund.c */
void ngx_http_tollgate_refund(ngx_http_tollgate_store_t *store,
    ngx_http_tollgate_charge_t *charge);
void ngx_http_tollgate_void(ngx_http_tollgate_store_t *store,
    ngx_http_tollgate_charge_t *charge);
void ngx_http_tollgate_release(ngx_http_tollgate_store_t *store,
    ngx_http_tollgate_charge_t *charge, const char *outcome);
void ngx_http_tollgate_commit(ngx_http_tollgate_store_t *store,
    ngx_http_tollgate_charge_t *charge, int64_t actual);
void ngx_http_tollgate_refund_send(ngx_http_tollgate_node_t *node);
void ngx_http_tollgate_refund_move(ngx_http_tollgate_node_t *node);
void ngx_http_tollgate_refund_init(ngx_http_tollgate_node_t *node);
void ngx_http_tollgate_refund_exit(ngx_http_tollgate_node_t *node);

/* _ends.c; _format() writes a call of release.lua */
void ngx_http_tollgate_ends_start(ngx_http_tollgate_ctx_t *ctx);
void ngx_http_tollgate_ends(ngx_http_tollgate_ctx_t *ctx);
void ngx_http_tollgate_ends_leave(ngx_http_tollgate_ctx_t *ctx);
void ngx_http_tollgate_ends_late(ngx_http_tollgate_ask_t *ask,
    ngx_http_tollgate_charge_t *charge);
void ngx_http_tollgate_ends_lost(ngx_http_tollgate_ask_t *ask);
ngx_int_t ngx_http_tollgate_ends_format(ngx_http_tollgate_node_t *node,
    ngx_http_tollgate_charge_t *charge, const char *outcome);

/* _store.c */
ngx_int_t ngx_http_tollgate_store_init(ngx_http_tollgate_store_t *store,
    ngx_cycle_t *cycle);
void ngx_http_tollgate_store_exit(ngx_http_tollgate_store_t *store);
ngx_http_tollgate_redis_t *ngx_http_tollgate_store_redis(
    ngx_http_tollgate_store_t *store, ngx_uint_t route);
ngx_http_tollgate_node_t *ngx_http_tollgate_store_node(
    ngx_http_tollgate_store_t *store, ngx_http_tollgate_place_t *place,
    ngx_http_tollgate_redis_t *from);
void ngx_http_tollgate_store_reroute(ngx_http_tollgate_store_t *store);

/* where what was refused with this reply goes; NULL: it is refused for good */
ngx_http_tollgate_node_t *ngx_http_tollgate_store_redirect(
    ngx_http_tollgate_redis_t *redis, ngx_http_tollgate_reply_t *reply,
    ngx_uint_t *asking);

/* _topology.c: who is master of what, where one directive names many */
void ngx_http_tollgate_topology_start(ngx_http_tollgate_store_t *store);
void ngx_http_tollgate_topology_ask(ngx_http_tollgate_store_t *store);
void ngx_http_tollgate_topology_exit(ngx_http_tollgate_store_t *store);


#endif /* _NGX_HTTP_TOLLGATE_STORE_H_INCLUDED_ */
