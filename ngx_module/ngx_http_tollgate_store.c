
/*
 * ngx_http_tollgate_store.c owns what goes over one connection to Redis: which
 * kinds of calls there are, and in which order they are served.
 */


#include "ngx_http_tollgate_catalog.h"


static void ngx_http_tollgate_store_send(ngx_http_tollgate_redis_t *redis);
static void ngx_http_tollgate_store_down(ngx_http_tollgate_redis_t *redis);
static ngx_uint_t ngx_http_tollgate_store_owes(
    ngx_http_tollgate_redis_t *redis);


ngx_int_t
ngx_http_tollgate_store_init(ngx_http_tollgate_store_t *store,
    ngx_cycle_t *cycle)
{
    ngx_uint_t  i;

    for (i = 0; i < NGX_HTTP_TOLLGATE_BUCKETS; i++) {
        ngx_queue_init(&store->asks[i]);
    }

    ngx_queue_init(&store->spare);

    ngx_http_tollgate_refund_init(store, cycle);
    ngx_http_tollgate_usage_init(store, cycle);

    store->redis.send = ngx_http_tollgate_store_send;
    store->redis.down = ngx_http_tollgate_store_down;
    store->redis.owes = ngx_http_tollgate_store_owes;

    return ngx_http_tollgate_redis_init(&store->redis, cycle);
}


void
ngx_http_tollgate_store_exit(ngx_http_tollgate_store_t *store)
{
    ngx_http_tollgate_redis_exit(&store->redis);
    ngx_http_tollgate_refund_exit(store);
    ngx_http_tollgate_usage_exit(store);
}


/* Those first for whom somebody waits. */

static void
ngx_http_tollgate_store_send(ngx_http_tollgate_redis_t *redis)
{
    ngx_http_tollgate_store_t  *store;

    store = (ngx_http_tollgate_store_t *) redis;

    ngx_http_tollgate_ask_send(store);
    ngx_http_tollgate_zone_send(store);
    ngx_http_tollgate_refund_send(store);
    ngx_http_tollgate_usage_send(store);

    if (ngx_http_tollgate_store_owes(redis)) {
        ngx_http_tollgate_redis_weigh(redis);
    }
}


static void
ngx_http_tollgate_store_down(ngx_http_tollgate_redis_t *redis)
{
    ngx_http_tollgate_store_t  *store;

    store = (ngx_http_tollgate_store_t *) redis;
    store->announced = 0;

    ngx_http_tollgate_ask_down(store);
}


static ngx_uint_t
ngx_http_tollgate_store_owes(ngx_http_tollgate_redis_t *redis)
{
    ngx_http_tollgate_store_t  *store;

    store = (ngx_http_tollgate_store_t *) redis;

    return store->ndebts + ngx_http_tollgate_usage_owes(store);
}
