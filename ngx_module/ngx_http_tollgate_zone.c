
/*
 * ngx_http_tollgate_zone.c owns the shared memory: the counters, and the text
 * of the catalog, for which one process at a time asks Redis, and which each
 * parses for itself when it has changed.
 */


#include "ngx_http_tollgate_catalog.h"
#include "ngx_http_tollgate_metrics.h"
#include "key_names.h"


#define NGX_HTTP_TOLLGATE_ZONE_SOON  50     /* ms, until there is a catalog */


typedef struct {
    ngx_atomic_t                     generation;
    ngx_atomic_t                     polled;    /* ms, when one asked last */
    ngx_uint_t                       asked;     /* ever */
    int64_t                          version;
    size_t                           len;
    u_char                          *body;
    ngx_http_tollgate_metrics_t     *metrics;
    void                            *stale;     /* of _stale.c */
} ngx_http_tollgate_zone_sh_t;


/* this process' copy */

typedef struct {
    ngx_http_tollgate_catalog_t      catalog;
    ngx_uint_t                       generation;
    ngx_pool_t                      *pool;
    ngx_event_t                      timer;
} ngx_http_tollgate_zone_local_t;


static ngx_int_t ngx_http_tollgate_zone_load(ngx_slab_pool_t *shpool,
    ngx_http_tollgate_zone_sh_t *sh);
static void ngx_http_tollgate_zone_timer(ngx_event_t *ev);
static ngx_int_t ngx_http_tollgate_zone_version(ngx_http_tollgate_call_t *call,
    ngx_http_tollgate_reply_t *reply);
static ngx_int_t ngx_http_tollgate_zone_body(ngx_http_tollgate_call_t *call,
    ngx_http_tollgate_reply_t *reply);
static ngx_int_t ngx_http_tollgate_zone_check(ngx_str_t *body);
static void ngx_http_tollgate_zone_put(ngx_shm_zone_t *zone,
    ngx_str_t *body, int64_t version);


static ngx_http_tollgate_zone_local_t  ngx_http_tollgate_zone;
static ngx_http_tollgate_complaint_t   ngx_http_tollgate_zone_nomem;
static ngx_http_tollgate_complaint_t   ngx_http_tollgate_zone_full;


/* NULL: no catalog has been read yet */

ngx_http_tollgate_catalog_t *
ngx_http_tollgate_catalog_get(ngx_http_tollgate_main_conf_t *tmcf)
{
    ngx_slab_pool_t              *shpool;
    ngx_http_tollgate_zone_sh_t  *sh;

    sh = tmcf->zone->data;
    shpool = (ngx_slab_pool_t *) tmcf->zone->shm.addr;

    if (sh->generation != ngx_http_tollgate_zone.generation
        && ngx_http_tollgate_zone_load(shpool, sh) != NGX_OK)
    {
        ngx_http_tollgate_complain(&ngx_http_tollgate_zone_nomem,
                                   NGX_LOG_CRIT, ngx_cycle->log,
                                   "no memory for the catalog, hint: this "
                                   "machine has too little for its processes");
    }

    return ngx_http_tollgate_zone.pool ? &ngx_http_tollgate_zone.catalog
                                       : NULL;
}


/* What is in the zone has been parsed once, so only memory can be short. */

static ngx_int_t
ngx_http_tollgate_zone_load(ngx_slab_pool_t *shpool,
    ngx_http_tollgate_zone_sh_t *sh)
{
    ngx_str_t                     body;
    ngx_uint_t                    generation;
    ngx_pool_t                   *pool;
    ngx_http_tollgate_catalog_t   catalog;

    pool = ngx_create_pool(16 * 1024, ngx_cycle->log);
    if (pool == NULL) {
        return NGX_ERROR;
    }

    ngx_shmtx_lock(&shpool->mutex);

    generation = sh->generation;
    body.len = sh->len;
    body.data = ngx_pnalloc(pool, body.len + 1);

    if (body.data != NULL) {
        ngx_memcpy(body.data, sh->body, body.len);
    }

    ngx_shmtx_unlock(&shpool->mutex);

    if (body.data == NULL
        || ngx_http_tollgate_catalog_parse(&catalog, pool, &body) != NGX_OK)
    {
        ngx_destroy_pool(pool);
        return NGX_ERROR;
    }

    if (ngx_http_tollgate_zone.pool != NULL) {
        ngx_destroy_pool(ngx_http_tollgate_zone.pool);
    }

    ngx_http_tollgate_zone.pool = pool;
    ngx_http_tollgate_zone.catalog = catalog;
    ngx_http_tollgate_zone.generation = generation;

    return NGX_OK;
}


ngx_int_t
ngx_http_tollgate_zone_init(ngx_shm_zone_t *shm_zone, void *data)
{
    ngx_slab_pool_t              *shpool;
    ngx_http_tollgate_zone_sh_t  *sh;

    shpool = (ngx_slab_pool_t *) shm_zone->shm.addr;

    if (data != NULL || shm_zone->shm.exists) {
        sh = shpool->data;
        sh->metrics->life++;
        shm_zone->data = sh;
        return NGX_OK;
    }

    sh = ngx_slab_calloc(shpool, sizeof(ngx_http_tollgate_zone_sh_t));
    if (sh == NULL) {
        return NGX_ERROR;
    }

    sh->metrics = ngx_http_tollgate_metrics_create(shpool);
    if (sh->metrics == NULL) {
        return NGX_ERROR;
    }

    shpool->data = sh;
    shpool->log_nomem = 0;
    shm_zone->data = sh;

    return NGX_OK;
}


ngx_http_tollgate_metrics_t *
ngx_http_tollgate_zone_metrics(ngx_shm_zone_t *zone)
{
    ngx_http_tollgate_zone_sh_t  *sh;

    sh = zone->data;

    return sh->metrics;
}


void **
ngx_http_tollgate_zone_stale(ngx_shm_zone_t *zone)
{
    ngx_http_tollgate_zone_sh_t  *sh;

    sh = zone->data;

    return &sh->stale;
}


ngx_int_t
ngx_http_tollgate_zone_start(ngx_http_tollgate_main_conf_t *tmcf,
    ngx_cycle_t *cycle)
{
    ngx_event_t  *ev;

    ev = &ngx_http_tollgate_zone.timer;

    ev->handler = ngx_http_tollgate_zone_timer;
    ev->data = tmcf;
    ev->log = cycle->log;
    ev->cancelable = 1;

    ngx_add_timer(ev, 1);

    return NGX_OK;
}


static void
ngx_http_tollgate_zone_timer(ngx_event_t *ev)
{
    ngx_msec_t                      wait;
    ngx_uint_t                      mine;
    ngx_slab_pool_t                *shpool;
    ngx_http_tollgate_zone_sh_t    *sh;
    ngx_http_tollgate_main_conf_t  *tmcf;

    tmcf = ev->data;
    sh = tmcf->zone->data;
    shpool = (ngx_slab_pool_t *) tmcf->zone->shm.addr;

    wait = sh->generation ? tmcf->refresh
                          : ngx_min(tmcf->refresh,
                                    NGX_HTTP_TOLLGATE_ZONE_SOON);

    ngx_shmtx_lock(&shpool->mutex);

    mine = !sh->asked || ngx_current_msec - sh->polled >= wait;

    if (mine) {
        sh->asked = 1;
        sh->polled = ngx_current_msec;
    }

    ngx_shmtx_unlock(&shpool->mutex);

    if (mine) {
        tmcf->catalog->poll = 1;
        ngx_http_tollgate_redis_post(ngx_http_tollgate_store_redis(
                        tmcf->catalog,
                        ngx_http_tollgate_route_catalog(tmcf->catalog)));
    }

    if (!ngx_exiting) {
        ngx_add_timer(ev, wait);
    }
}


void
ngx_http_tollgate_zone_send(ngx_http_tollgate_store_t *store,
    ngx_http_tollgate_redis_t *redis)
{
    ngx_http_tollgate_call_t  *call;

    if (!store->poll || !ngx_http_tollgate_redis_room(redis)) {
        return;
    }

    call = ngx_http_tollgate_redis_call(redis,
                                        ngx_http_tollgate_zone_version, store);
    if (call == NULL) {
        return;
    }

    if (ngx_http_tollgate_redis_command(redis, 3, 64) != NGX_OK) {
        ngx_http_tollgate_redis_forget(call);
        return;
    }

    ngx_http_tollgate_redis_arg(redis, "HGET", 4);
    ngx_http_tollgate_redis_arg(redis, TG_KEY_CATALOG,
                                sizeof(TG_KEY_CATALOG) - 1);
    ngx_http_tollgate_redis_arg(redis, "version", 7);
    ngx_http_tollgate_redis_expect(call);

    store->poll = 0;
}


static ngx_int_t
ngx_http_tollgate_zone_version(ngx_http_tollgate_call_t *call,
    ngx_http_tollgate_reply_t *reply)
{
    int64_t                       version;
    ngx_uint_t                    asking;
    ngx_http_tollgate_call_t     *next;
    ngx_http_tollgate_store_t    *store;
    ngx_http_tollgate_zone_sh_t  *sh;

    store = call->data;

    if (reply == NULL || reply->type == REDIS_REPLY_NIL) {
        return NGX_OK;
    }

    if (reply->type == REDIS_REPLY_ERROR) {
        if (ngx_http_tollgate_store_redirect(call->redis, reply, &asking)
            == NULL)
        {
            ngx_http_tollgate_redis_complain(call->redis, "the catalog",
                                             reply);
        }

        return NGX_OK;
    }

    if (reply->type != REDIS_REPLY_STRING) {
        return NGX_ERROR;
    }

    sh = store->conf->zone->data;
    version = ngx_atoi(reply->value[0].str.data, reply->value[0].str.len);

    if (version == NGX_ERROR || (sh->generation && version == sh->version)) {
        return NGX_OK;
    }

    next = ngx_http_tollgate_redis_call(call->redis,
                                        ngx_http_tollgate_zone_body, store);
    if (next == NULL) {
        return NGX_OK;
    }

    if (ngx_http_tollgate_redis_command(call->redis, 4, 64) != NGX_OK) {
        ngx_http_tollgate_redis_forget(next);
        return NGX_OK;
    }

    ngx_http_tollgate_redis_arg(call->redis, "HMGET", 5);
    ngx_http_tollgate_redis_arg(call->redis, TG_KEY_CATALOG,
                                sizeof(TG_KEY_CATALOG) - 1);
    ngx_http_tollgate_redis_arg(call->redis, "version", 7);
    ngx_http_tollgate_redis_arg(call->redis, "body", 4);
    ngx_http_tollgate_redis_expect(next);
    ngx_http_tollgate_redis_post(call->redis);

    return NGX_OK;
}


static ngx_int_t
ngx_http_tollgate_zone_body(ngx_http_tollgate_call_t *call,
    ngx_http_tollgate_reply_t *reply)
{
    int64_t                     version;
    ngx_str_t                  *body;
    ngx_http_tollgate_store_t  *store;

    store = call->data;

    if (reply == NULL || reply->type == REDIS_REPLY_ERROR) {
        return NGX_OK;
    }

    if (reply->type != REDIS_REPLY_ARRAY || reply->n != 2) {
        return NGX_ERROR;
    }

    if (reply->value[0].type != REDIS_REPLY_STRING
        || reply->value[1].type != REDIS_REPLY_STRING)
    {
        return NGX_OK;
    }

    body = &reply->value[1].str;
    version = ngx_atoi(reply->value[0].str.data, reply->value[0].str.len);

    if (version == NGX_ERROR
        || ngx_http_tollgate_zone_check(body) != NGX_OK)
    {
        ngx_http_tollgate_count(reads[NGX_HTTP_TOLLGATE_READ_INVALID], 1);

        ngx_http_tollgate_complain(&call->redis->said, NGX_LOG_ERR, store->log,
                                   "the catalog in redis \"%V\" can't be "
                                   "read, the one before stays in use, hint: "
                                   "is the worker newer than this module?",
                                   &store->server.name);

        return NGX_OK;
    }

    ngx_http_tollgate_zone_put(store->conf->zone, body, version);

    return NGX_OK;
}


static ngx_int_t
ngx_http_tollgate_zone_check(ngx_str_t *body)
{
    ngx_int_t                     rc;
    ngx_pool_t                   *pool;
    ngx_http_tollgate_catalog_t   catalog;

    pool = ngx_create_pool(16 * 1024, ngx_cycle->log);
    if (pool == NULL) {
        return NGX_ERROR;
    }

    rc = ngx_http_tollgate_catalog_parse(&catalog, pool, body);

    ngx_destroy_pool(pool);

    return rc;
}


static void
ngx_http_tollgate_zone_put(ngx_shm_zone_t *zone, ngx_str_t *body,
    int64_t version)
{
    u_char                       *copy;
    ngx_slab_pool_t              *shpool;
    ngx_http_tollgate_zone_sh_t  *sh;

    sh = zone->data;
    shpool = (ngx_slab_pool_t *) zone->shm.addr;

    ngx_shmtx_lock(&shpool->mutex);

    copy = ngx_slab_alloc_locked(shpool, body->len + 1);

    if (copy != NULL) {
        ngx_memcpy(copy, body->data, body->len);

        if (sh->body != NULL) {
            ngx_slab_free_locked(shpool, sh->body);
        }

        sh->body = copy;
        sh->len = body->len;
        sh->version = version;
        sh->generation++;
        sh->metrics->version = version;
    }

    ngx_shmtx_unlock(&shpool->mutex);

    ngx_http_tollgate_count(reads[copy != NULL
                                  ? NGX_HTTP_TOLLGATE_READ_LOADED
                                  : NGX_HTTP_TOLLGATE_READ_NO_ROOM], 1);

    if (copy == NULL) {
        ngx_http_tollgate_complain(&ngx_http_tollgate_zone_full,
                                   NGX_LOG_CRIT, ngx_cycle->log,
                                   "the catalog of %uz bytes has no room in "
                                   "zone \"%V\", hint: make \"tollgate_zone\" "
                                   "larger", body->len, &zone->shm.name);
        return;
    }

    ngx_log_error(NGX_LOG_NOTICE, ngx_cycle->log, 0,
                  "tollgate: catalog version %L loaded", version);
}


void
ngx_http_tollgate_zone_exit(void)
{
    if (ngx_http_tollgate_zone.pool != NULL) {
        ngx_destroy_pool(ngx_http_tollgate_zone.pool);
        ngx_http_tollgate_zone.pool = NULL;
    }
}
