
/*
 * ngx_http_tollgate_stale.c owns what becomes of a request that can't be
 * decided, and the table in shared memory of what was decided last of a key.
 *
 * The table is a quarter of the zone and has no lock of its own: that of the
 * zone is let go by the master where a worker process dies with it.
 */


#include "ngx_http_tollgate_catalog.h"


#define NGX_HTTP_TOLLGATE_STALE_PART  4     /* of the zone */


typedef struct {
    ngx_queue_t                      queue;     /* the last used first */
    ngx_queue_t                      bucket;
    u_char                           hash[NGX_HTTP_TOLLGATE_HASH_LEN];
    ngx_http_tollgate_verdict_e      verdict;   /* of Redis, the last one */
    ngx_msec_t                       at;
    ngx_uint_t                       tier;      /* of the plan */
    int64_t                          avail;     /* micro-credits */
    int64_t                          left;      /* units, -1: no quota */
    unsigned                         credits:1; /* its mode charges these */
    unsigned                         units:1;

    /* what has passed since without a verdict of Redis */

    ngx_uint_t                       passed;
    int64_t                          passed_credits;
    int64_t                          passed_units;
} ngx_http_tollgate_stale_key_t;


typedef struct {
    ngx_queue_t                      queue;
    ngx_queue_t                     *buckets;
    ngx_http_tollgate_stale_key_t   *keys;
    ngx_uint_t                       n;         /* that are in use */
    ngx_uint_t                       max;       /* and as many buckets */
} ngx_http_tollgate_stale_t;


static ngx_http_tollgate_verdict_e ngx_http_tollgate_stale_verdict(
    ngx_http_tollgate_ctx_t *ctx);
static ngx_uint_t ngx_http_tollgate_stale_pass(ngx_http_tollgate_ctx_t *ctx,
    ngx_http_tollgate_stale_key_t *key);
static ngx_http_tollgate_stale_t *ngx_http_tollgate_stale_lock(
    ngx_http_tollgate_ctx_t *ctx);
static void ngx_http_tollgate_stale_unlock(ngx_http_tollgate_ctx_t *ctx);
static ngx_http_tollgate_stale_t *ngx_http_tollgate_stale_create(
    ngx_slab_pool_t *shpool, size_t size);
static ngx_queue_t *ngx_http_tollgate_stale_bucket(
    ngx_http_tollgate_stale_t *stale, u_char *hash);
static ngx_http_tollgate_stale_key_t *ngx_http_tollgate_stale_find(
    ngx_http_tollgate_stale_t *stale, u_char *hash);
static ngx_http_tollgate_stale_key_t *ngx_http_tollgate_stale_add(
    ngx_http_tollgate_stale_t *stale, u_char *hash);


static ngx_http_tollgate_complaint_t  ngx_http_tollgate_stale_full;


/*
 * Whether a request that can't be decided is served all the same.  That is
 * found out once, by whoever asks first; ctx->instead is the verdict then,
 * or _OFF where the one that it has stays.
 */

ngx_uint_t
ngx_http_tollgate_stale_serves(ngx_http_tollgate_ctx_t *ctx)
{
    /* figures that nobody knows are not told */

    if (ctx->look) {
        return 0;
    }

    if (!ctx->outage) {
        ctx->outage = 1;
        ctx->instead = NGX_HTTP_TOLLGATE_OFF;

        if (ctx->account && !ctx->hashed && ctx->link == NULL
            && ngx_http_tollgate_key_hash(ctx->hash, &ctx->presented)
               == NGX_OK)
        {
            ctx->hashed = 1;
        }

        switch (ctx->conf->on_error) {

        case NGX_HTTP_TOLLGATE_OPEN:
            ctx->instead = NGX_HTTP_TOLLGATE_PASS_OPEN;

            /* nobody can say which requests are one download */

            if (ctx->link != NULL) {
                ctx->cost = 0;
                ctx->cost_units = 0;
            }

            break;

        case NGX_HTTP_TOLLGATE_STALE:
            if (ctx->hashed) {
                ctx->instead = ngx_http_tollgate_stale_verdict(ctx);
            }
        }
    }

    return ctx->instead == NGX_HTTP_TOLLGATE_PASS_OPEN
           || ctx->instead == NGX_HTTP_TOLLGATE_PASS_STALE;
}


static ngx_http_tollgate_verdict_e
ngx_http_tollgate_stale_verdict(ngx_http_tollgate_ctx_t *ctx)
{
    ngx_http_tollgate_verdict_e     verdict;
    ngx_http_tollgate_stale_t      *stale;
    ngx_http_tollgate_stale_key_t  *key;

    verdict = NGX_HTTP_TOLLGATE_OFF;

    stale = ngx_http_tollgate_stale_lock(ctx);

    key = stale ? ngx_http_tollgate_stale_find(stale, ctx->hash) : NULL;

    if (key != NULL && ngx_current_msec - key->at <= ctx->conf->stale_for) {

        if (key->verdict == NGX_HTTP_TOLLGATE_PASS) {
            if (ngx_http_tollgate_stale_pass(ctx, key)) {
                verdict = NGX_HTTP_TOLLGATE_PASS_STALE;
            }

        } else if (key->verdict >= NGX_HTTP_TOLLGATE_KEY_UNKNOWN
                   && key->verdict <= NGX_HTTP_TOLLGATE_APP_SUSPENDED)
        {
            verdict = key->verdict;
        }
    }

    ngx_http_tollgate_stale_unlock(ctx);

    return verdict;
}


/* Whether one more may pass, which is counted unless it is a dry run. */

static ngx_uint_t
ngx_http_tollgate_stale_pass(ngx_http_tollgate_ctx_t *ctx,
    ngx_http_tollgate_stale_key_t *key)
{
    int64_t                        credits, units;
    ngx_http_tollgate_loc_conf_t  *conf;

    conf = ctx->conf;

    if (key->passed >= conf->stale_requests || ctx->tier > key->tier
        || ctx->cost < 0)
    {
        return 0;
    }

    credits = key->passed_credits;
    units = key->passed_units;

    /* as gate.lua: quota where the mode has it and it suffices */

    if (key->units && (ctx->cost_units || !key->credits)
        && (key->left < 0 || ctx->cost_units <= key->left - units))
    {
        units += ctx->cost_units;

    } else if (key->credits) {
        credits += ctx->cost;

        if (credits > key->avail
            || (conf->stale_credits >= 0 && credits > conf->stale_credits))
        {
            return 0;
        }

    } else {
        return 0;
    }

    if (!ctx->dry_run) {
        key->passed++;
        key->passed_credits = credits;
        key->passed_units = units;
    }

    return 1;
}


/* Remembers what Redis said.  Keys that don't exist get no room. */

void
ngx_http_tollgate_stale_learn(ngx_http_tollgate_ctx_t *ctx)
{
    int64_t                         day, month;
    ngx_http_tollgate_stale_t      *stale;
    ngx_http_tollgate_stale_key_t  *key;

    /* what is wrong with an Idempotency-Key tells nothing of the API key */

    if (ctx->conf->on_error != NGX_HTTP_TOLLGATE_STALE || !ctx->known
        || ctx->look || ctx->link != NULL
        || ctx->verdict == NGX_HTTP_TOLLGATE_IDEMPOTENCY_MISMATCH
        || ctx->verdict == NGX_HTTP_TOLLGATE_IDEMPOTENCY_IN_PROGRESS)
    {
        return;
    }

    stale = ngx_http_tollgate_stale_lock(ctx);

    if (stale == NULL) {
        ngx_http_tollgate_stale_unlock(ctx);

        ngx_http_tollgate_complain(&ngx_http_tollgate_stale_full,
                                   NGX_LOG_CRIT, ctx->request->connection->log,
                                   "no room for \"tollgate_on_error stale\", "
                                   "which acts as \"closed\", hint: make "
                                   "\"tollgate_zone\" larger");
        return;
    }

    key = ngx_http_tollgate_stale_find(stale, ctx->hash);

    if (key == NULL
        && ((ctx->verdict == NGX_HTTP_TOLLGATE_PASS && !ctx->ruled)
            || (ctx->verdict > NGX_HTTP_TOLLGATE_KEY_UNKNOWN
                && ctx->verdict <= NGX_HTTP_TOLLGATE_APP_SUSPENDED)))
    {
        key = ngx_http_tollgate_stale_add(stale, ctx->hash);
    }

    if (key != NULL) {
        day = ngx_http_tollgate_verdict_left(ctx, NGX_HTTP_TOLLGATE_DAY);
        month = ngx_http_tollgate_verdict_left(ctx, NGX_HTTP_TOLLGATE_MONTH);

        /* its rules are for Redis to check, so without it nothing passes */

        key->verdict = ctx->ruled ? NGX_HTTP_TOLLGATE_STORE_UNREACHABLE
                                  : ctx->verdict;
        key->at = ngx_current_msec;
        key->tier = ctx->plan_tier;
        key->avail = ctx->avail;
        key->left = day < 0 ? month : month < 0 ? day : ngx_min(day, month);
        key->credits = ctx->mode.len == 0 || ctx->mode.data[0] != 's';
        key->units = ctx->mode.len && ctx->mode.data[0] != 'p';
        key->passed = 0;
        key->passed_credits = 0;
        key->passed_units = 0;
    }

    ngx_http_tollgate_stale_unlock(ctx);
}


/* NULL: the zone has no room for the table; it is locked all the same. */

static ngx_http_tollgate_stale_t *
ngx_http_tollgate_stale_lock(ngx_http_tollgate_ctx_t *ctx)
{
    void             **part;
    ngx_shm_zone_t    *zone;
    ngx_slab_pool_t   *shpool;

    zone = ctx->conf->store->conf->zone;
    shpool = (ngx_slab_pool_t *) zone->shm.addr;
    part = ngx_http_tollgate_zone_stale(zone);

    ngx_shmtx_lock(&shpool->mutex);

    if (*part == NULL) {
        *part = ngx_http_tollgate_stale_create(shpool,
                               zone->shm.size / NGX_HTTP_TOLLGATE_STALE_PART);
    }

    return *part;
}


static void
ngx_http_tollgate_stale_unlock(ngx_http_tollgate_ctx_t *ctx)
{
    ngx_slab_pool_t  *shpool;

    shpool = (ngx_slab_pool_t *) ctx->conf->store->conf->zone->shm.addr;

    ngx_shmtx_unlock(&shpool->mutex);
}


static ngx_http_tollgate_stale_t *
ngx_http_tollgate_stale_create(ngx_slab_pool_t *shpool, size_t size)
{
    ngx_uint_t                  i;
    ngx_http_tollgate_stale_t  *stale;

    stale = ngx_slab_alloc_locked(shpool, size);
    if (stale == NULL) {
        return NULL;
    }

    stale->n = 0;
    stale->max = (size - sizeof(ngx_http_tollgate_stale_t))
                 / (sizeof(ngx_http_tollgate_stale_key_t)
                    + sizeof(ngx_queue_t));

    stale->keys = (ngx_http_tollgate_stale_key_t *) (stale + 1);
    stale->buckets = (ngx_queue_t *) (stale->keys + stale->max);

    ngx_queue_init(&stale->queue);

    for (i = 0; i < stale->max; i++) {
        ngx_queue_init(&stale->buckets[i]);
    }

    return stale;
}


static ngx_queue_t *
ngx_http_tollgate_stale_bucket(ngx_http_tollgate_stale_t *stale, u_char *hash)
{
    return &stale->buckets[ngx_crc32_short(hash, NGX_HTTP_TOLLGATE_HASH_LEN)
                           % stale->max];
}


static ngx_http_tollgate_stale_key_t *
ngx_http_tollgate_stale_find(ngx_http_tollgate_stale_t *stale, u_char *hash)
{
    ngx_queue_t                    *q, *bucket;
    ngx_http_tollgate_stale_key_t  *key;

    bucket = ngx_http_tollgate_stale_bucket(stale, hash);

    for (q = ngx_queue_head(bucket);
         q != ngx_queue_sentinel(bucket);
         q = ngx_queue_next(q))
    {
        key = ngx_queue_data(q, ngx_http_tollgate_stale_key_t, bucket);

        if (ngx_memcmp(key->hash, hash, NGX_HTTP_TOLLGATE_HASH_LEN) == 0) {
            ngx_queue_remove(&key->queue);
            ngx_queue_insert_head(&stale->queue, &key->queue);
            return key;
        }
    }

    return NULL;
}


/* Where all are in use, the key goes that was used longest ago. */

static ngx_http_tollgate_stale_key_t *
ngx_http_tollgate_stale_add(ngx_http_tollgate_stale_t *stale, u_char *hash)
{
    ngx_queue_t                    *q;
    ngx_http_tollgate_stale_key_t  *key;

    if (stale->n < stale->max) {
        key = &stale->keys[stale->n++];

    } else {
        q = ngx_queue_last(&stale->queue);
        ngx_queue_remove(q);

        key = ngx_queue_data(q, ngx_http_tollgate_stale_key_t, queue);
        ngx_queue_remove(&key->bucket);
    }

    ngx_memcpy(key->hash, hash, NGX_HTTP_TOLLGATE_HASH_LEN);

    ngx_queue_insert_head(&stale->queue, &key->queue);
    ngx_queue_insert_head(ngx_http_tollgate_stale_bucket(stale, hash),
                          &key->bucket);

    return key;
}
