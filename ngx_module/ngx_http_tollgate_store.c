
/*
 * ngx_http_tollgate_store.c owns a store: its servers, which of them has the
 * keys of a shard, and what goes over a connection in which order.
 */


#include "ngx_http_tollgate_catalog.h"
#include "ngx_http_tollgate_metrics.h"
#include "key_names.h"


static void ngx_http_tollgate_store_slots(ngx_http_tollgate_store_t *store);
static void ngx_http_tollgate_node_init(ngx_http_tollgate_node_t *node,
    ngx_http_tollgate_store_t *store);
static ngx_http_tollgate_node_t *ngx_http_tollgate_node_create(
    ngx_http_tollgate_store_t *store, struct sockaddr *sockaddr,
    socklen_t socklen);
static void ngx_http_tollgate_node_destroy(ngx_http_tollgate_node_t *node);
static ngx_uint_t ngx_http_tollgate_node_idle(ngx_http_tollgate_node_t *node);
static ngx_int_t ngx_http_tollgate_store_sockaddr(
    ngx_http_tollgate_place_t *place, ngx_http_tollgate_redis_t *from,
    ngx_sockaddr_t *sa, socklen_t *len);
static void ngx_http_tollgate_store_limbo(ngx_event_t *ev);
static void ngx_http_tollgate_store_send(ngx_http_tollgate_redis_t *redis);
static void ngx_http_tollgate_store_down(ngx_http_tollgate_redis_t *redis);
static ngx_uint_t ngx_http_tollgate_store_owes(
    ngx_http_tollgate_redis_t *redis);


ngx_int_t
ngx_http_tollgate_store_init(ngx_http_tollgate_store_t *store,
    ngx_cycle_t *cycle)
{
    ngx_uint_t                 i;
    ngx_http_tollgate_node_t  *node;

    store->log = cycle->log;

    store->routes = ngx_pcalloc(cycle->pool, ngx_http_tollgate_nroutes(store)
                                          * sizeof(ngx_http_tollgate_route_t));
    if (store->routes == NULL) {
        return NGX_ERROR;
    }

    ngx_queue_init(&store->nodes);
    ngx_queue_init(&store->spare);

    ngx_http_tollgate_batch_init(store, cycle);

    /* it has no connection, and never gets to send */

    node = &store->limbo;
    ngx_http_tollgate_node_init(node, store);
    node->redis.state = NGX_HTTP_TOLLGATE_REDIS_CONNECTING;

    store->limbo_timer.handler = ngx_http_tollgate_store_limbo;
    store->limbo_timer.data = store;
    store->limbo_timer.log = store->log;
    store->limbo_timer.cancelable = 1;

    if (store->server.topology == NGX_HTTP_TOLLGATE_SINGLE) {
        node = ngx_http_tollgate_node_create(store, NULL, 0);
        if (node == NULL) {
            return NGX_ERROR;
        }
    }

    for (i = 0; i < ngx_http_tollgate_nroutes(store); i++) {
        store->routes[i].node = node;
        store->routes[i].next = node;
    }

    if (store->server.topology != NGX_HTTP_TOLLGATE_SINGLE) {
        ngx_http_tollgate_store_slots(store);
        ngx_http_tollgate_topology_start(store);
    }

    return NGX_OK;
}


/* Tags are as in redis/key_names.h: the shard's number, "usage", none. */

static void
ngx_http_tollgate_store_slots(ngx_http_tollgate_store_t *store)
{
    u_char      number[NGX_INT_T_LEN];
    ngx_str_t   tag;
    ngx_uint_t  i;

    tag.data = number;

    for (i = 0; i < store->conf->nshards; i++) {
        tag.len = ngx_sprintf(number, "%ui", i) - number;
        store->routes[i].slot = ngx_http_tollgate_cluster_slot(&tag);
    }

    ngx_str_set(&tag, "usage");
    store->routes[ngx_http_tollgate_route_usage(store)].slot =
                                          ngx_http_tollgate_cluster_slot(&tag);

    ngx_str_set(&tag, TG_KEY_CATALOG);
    store->routes[ngx_http_tollgate_route_catalog(store)].slot =
                                          ngx_http_tollgate_cluster_slot(&tag);
}


void
ngx_http_tollgate_store_exit(ngx_http_tollgate_store_t *store)
{
    ngx_queue_t               *q;
    ngx_http_tollgate_node_t  *node;

    for (q = ngx_queue_head(&store->nodes);
         q != ngx_queue_sentinel(&store->nodes);
         q = ngx_queue_next(q))
    {
        node = ngx_queue_data(q, ngx_http_tollgate_node_t, queue);
        ngx_http_tollgate_redis_exit(&node->redis);
    }

    if (store->server.topology != NGX_HTTP_TOLLGATE_SINGLE) {
        ngx_http_tollgate_topology_exit(store);
    }

    if (store->limbo_timer.timer_set) {
        ngx_del_timer(&store->limbo_timer);
    }

    /* calls that were lost just now may have left debts anywhere */

    for (q = ngx_queue_head(&store->nodes);
         q != ngx_queue_sentinel(&store->nodes);
         q = ngx_queue_next(q))
    {
        ngx_http_tollgate_refund_exit(
                          ngx_queue_data(q, ngx_http_tollgate_node_t, queue));
    }

    ngx_http_tollgate_refund_exit(&store->limbo);
    ngx_http_tollgate_batch_exit(store);
    ngx_http_tollgate_ask_exit(store);
    ngx_http_tollgate_foreign_exit(store);

    while (!ngx_queue_empty(&store->nodes)) {
        q = ngx_queue_head(&store->nodes);
        ngx_queue_remove(q);

        node = ngx_queue_data(q, ngx_http_tollgate_node_t, queue);
        ngx_destroy_pool(node->pool);
    }
}


static void
ngx_http_tollgate_node_init(ngx_http_tollgate_node_t *node,
    ngx_http_tollgate_store_t *store)
{
    ngx_uint_t  i;

    node->store = store;

    for (i = 0; i < NGX_HTTP_TOLLGATE_BUCKETS; i++) {
        ngx_queue_init(&node->asks[i]);
    }

    node->redis.conf = &store->server;
    node->redis.name = store->server.name;
    node->redis.send = ngx_http_tollgate_store_send;
    node->redis.down = ngx_http_tollgate_store_down;
    node->redis.owes = ngx_http_tollgate_store_owes;

    ngx_http_tollgate_refund_init(node);
    ngx_http_tollgate_redis_init(&node->redis, store->log);
}


/* No address: that of the configuration. */

static ngx_http_tollgate_node_t *
ngx_http_tollgate_node_create(ngx_http_tollgate_store_t *store,
    struct sockaddr *sockaddr, socklen_t socklen)
{
    ngx_str_t                 *name;
    ngx_pool_t                *pool;
    ngx_http_tollgate_node_t  *node;

    pool = ngx_create_pool(4096, store->log);
    if (pool == NULL) {
        return NULL;
    }

    node = ngx_pcalloc(pool, sizeof(ngx_http_tollgate_node_t));
    if (node == NULL) {
        goto failed;
    }

    node->pool = pool;
    ngx_http_tollgate_node_init(node, store);

    if (sockaddr != NULL) {
        name = &node->addr.name;

        node->addr.sockaddr = ngx_pnalloc(pool, socklen);
        name->data = ngx_pnalloc(pool, NGX_SOCKADDR_STRLEN);

        if (node->addr.sockaddr == NULL || name->data == NULL) {
            goto failed;
        }

        ngx_memcpy(node->addr.sockaddr, sockaddr, socklen);
        node->addr.socklen = socklen;
        name->len = ngx_sock_ntop(sockaddr, socklen, name->data,
                                  NGX_SOCKADDR_STRLEN, 1);

        node->redis.name = *name;
        node->redis.addrs = &node->addr;
        node->redis.naddrs = 1;

    } else {
        node->redis.addrs = store->server.addrs;
        node->redis.naddrs = store->server.naddrs;
    }

    ngx_queue_insert_tail(&store->nodes, &node->queue);
    ngx_http_tollgate_redis_connect(&node->redis);

    return node;

failed:

    ngx_destroy_pool(pool);

    return NULL;
}


static void
ngx_http_tollgate_node_destroy(ngx_http_tollgate_node_t *node)
{
    ngx_log_error(NGX_LOG_INFO, node->redis.log, 0,
                  "tollgate: redis \"%V\" is not needed any more",
                  &node->redis.name);

    ngx_queue_remove(&node->queue);

    ngx_http_tollgate_metrics_gone(&node->redis);
    ngx_http_tollgate_redis_exit(&node->redis);
    ngx_http_tollgate_refund_exit(node);

    ngx_destroy_pool(node->pool);
}


/* Nothing leads to the node, and nothing waits for it. */

static ngx_uint_t
ngx_http_tollgate_node_idle(ngx_http_tollgate_node_t *node)
{
    ngx_uint_t                  i;
    ngx_http_tollgate_store_t  *store;

    store = node->store;

    for (i = 0; i < ngx_http_tollgate_nroutes(store); i++) {
        if (store->routes[i].node == node) {
            return 0;
        }
    }

    return node->nasks == 0 && node->ndebts == 0 && node->redis.ncalls == 0;
}


/* The connection that keeps this process until the route has been served. */

ngx_http_tollgate_redis_t *
ngx_http_tollgate_store_redis(ngx_http_tollgate_store_t *store,
    ngx_uint_t route)
{
    ngx_http_tollgate_node_t  *node;

    node = store->routes[route].node;

    return node == &store->limbo ? &store->scout : &node->redis;
}


/* The node at a place that from has named, made if it is new.  May be NULL. */

ngx_http_tollgate_node_t *
ngx_http_tollgate_store_node(ngx_http_tollgate_store_t *store,
    ngx_http_tollgate_place_t *place, ngx_http_tollgate_redis_t *from)
{
    socklen_t                  len;
    ngx_queue_t               *q;
    ngx_sockaddr_t             sa;
    ngx_http_tollgate_node_t  *node;

    if (ngx_http_tollgate_store_sockaddr(place, from, &sa, &len) != NGX_OK) {
        ngx_http_tollgate_complain(&from->said, NGX_LOG_ERR, store->log,
                                   "redis \"%V\" names the server \"%V\", "
                                   "hint: have it announce addresses, names "
                                   "are not looked up",
                                   &from->name, &place->host);
        return NULL;
    }

    for (q = ngx_queue_head(&store->nodes);
         q != ngx_queue_sentinel(&store->nodes);
         q = ngx_queue_next(q))
    {
        node = ngx_queue_data(q, ngx_http_tollgate_node_t, queue);

        if (ngx_cmp_sockaddr(node->addr.sockaddr, node->addr.socklen,
                             &sa.sockaddr, len, 1)
            == NGX_OK)
        {
            return node;
        }
    }

    return ngx_http_tollgate_node_create(store, &sa.sockaddr, len);
}


static ngx_int_t
ngx_http_tollgate_store_sockaddr(ngx_http_tollgate_place_t *place,
    ngx_http_tollgate_redis_t *from, ngx_sockaddr_t *sa, socklen_t *len)
{
    ngx_memzero(sa, sizeof(ngx_sockaddr_t));

    if (place->host.len == 0) {
        if (from->peer.sockaddr->sa_family == AF_UNIX) {
            return NGX_ERROR;
        }

        *len = from->peer.socklen;
        ngx_memcpy(sa, from->peer.sockaddr, *len);

    } else if (ngx_inet_addr(place->host.data, place->host.len)
               != INADDR_NONE)
    {
        *len = sizeof(struct sockaddr_in);
        sa->sockaddr_in.sin_family = AF_INET;
        sa->sockaddr_in.sin_addr.s_addr = ngx_inet_addr(place->host.data,
                                                        place->host.len);
#if (NGX_HAVE_INET6)
    } else if (ngx_inet6_addr(place->host.data, place->host.len,
                              sa->sockaddr_in6.sin6_addr.s6_addr)
               == NGX_OK)
    {
        *len = sizeof(struct sockaddr_in6);
        sa->sockaddr_in6.sin6_family = AF_INET6;
#endif
    } else {
        return NGX_ERROR;
    }

    ngx_inet_set_port(&sa->sockaddr, place->port);

    return NGX_OK;
}


/*
 * The routes are as an answer says: what waits goes to its new place, and
 * servers that are of no use are let go.  Not for handlers of their replies.
 */

void
ngx_http_tollgate_store_reroute(ngx_http_tollgate_store_t *store)
{
    ngx_uint_t                 i, changed;
    ngx_queue_t               *q, *next;
    ngx_http_tollgate_node_t  *node;

    changed = 0;

    for (i = 0; i < ngx_http_tollgate_nroutes(store); i++) {
        if (store->routes[i].node != store->routes[i].next) {
            store->routes[i].node = store->routes[i].next;
            changed = 1;
        }
    }

    if (changed) {
        store->limbo.redis.strikes = 0;
        store->announced = 0;
    }

    ngx_http_tollgate_ask_move(&store->limbo);
    ngx_http_tollgate_refund_move(&store->limbo);

    for (q = ngx_queue_head(&store->nodes);
         q != ngx_queue_sentinel(&store->nodes);
         q = next)
    {
        next = ngx_queue_next(q);
        node = ngx_queue_data(q, ngx_http_tollgate_node_t, queue);

        if (changed) {
            ngx_http_tollgate_ask_move(node);
            ngx_http_tollgate_refund_move(node);
            ngx_http_tollgate_redis_post(&node->redis);
        }

        if (ngx_http_tollgate_node_idle(node)) {
            ngx_http_tollgate_node_destroy(node);
        }
    }
}


ngx_http_tollgate_node_t *
ngx_http_tollgate_store_redirect(ngx_http_tollgate_redis_t *redis,
    ngx_http_tollgate_reply_t *reply, ngx_uint_t *asking)
{
    ngx_int_t                      slot;
    ngx_uint_t                     i;
    ngx_http_tollgate_node_t      *node;
    ngx_http_tollgate_place_t      place;
    ngx_http_tollgate_store_t     *store;
    ngx_http_tollgate_redirect_e   redirect;

    store = ((ngx_http_tollgate_node_t *) redis)->store;
    *asking = 0;

    if (store->server.topology == NGX_HTTP_TOLLGATE_SINGLE) {
        return NULL;
    }

    redirect = ngx_http_tollgate_cluster_redirect(&reply->value[0].str, &slot,
                                                  &place);

    if (redirect == NGX_HTTP_TOLLGATE_STAY) {
        return NULL;
    }

    if (redirect != NGX_HTTP_TOLLGATE_ASKING) {
        ngx_http_tollgate_topology_ask(store);
    }

    if (redirect == NGX_HTTP_TOLLGATE_LATER) {
        return &store->limbo;
    }

    node = ngx_http_tollgate_store_node(store, &place, redis);

    if (node == NULL) {
        return &store->limbo;
    }

    if (redirect == NGX_HTTP_TOLLGATE_ASKING) {
        *asking = 1;
        return node;
    }

    for (i = 0; i < ngx_http_tollgate_nroutes(store); i++) {
        if (store->routes[i].slot == (ngx_uint_t) slot) {
            store->routes[i].node = node;
            store->routes[i].next = node;
        }
    }

    return node;
}


/* What was told to come later goes to its place.  The others know the way. */

static void
ngx_http_tollgate_store_limbo(ngx_event_t *ev)
{
    ngx_http_tollgate_store_t  *store;

    store = ev->data;

    ngx_http_tollgate_ask_move(&store->limbo);
}


/* Those first for whom somebody waits. */

static void
ngx_http_tollgate_store_send(ngx_http_tollgate_redis_t *redis)
{
    ngx_http_tollgate_node_t   *node;
    ngx_http_tollgate_route_t  *routes;
    ngx_http_tollgate_store_t  *store;

    node = (ngx_http_tollgate_node_t *) redis;
    store = node->store;
    routes = store->routes;

    ngx_http_tollgate_ask_send(node);

    if (routes[ngx_http_tollgate_route_catalog(store)].node == node) {
        ngx_http_tollgate_zone_send(store, redis);
    }

    ngx_http_tollgate_refund_send(node);

    if (routes[ngx_http_tollgate_route_usage(store)].node == node) {
        ngx_http_tollgate_batch_send(store, redis);
    }

    if (ngx_http_tollgate_store_owes(redis)) {
        (void) ngx_http_tollgate_redis_weigh(redis);
    }
}


static void
ngx_http_tollgate_store_down(ngx_http_tollgate_redis_t *redis)
{
    ngx_http_tollgate_node_t   *node;
    ngx_http_tollgate_store_t  *store;

    node = (ngx_http_tollgate_node_t *) redis;
    store = node->store;
    store->announced = 0;

    if (store->server.topology == NGX_HTTP_TOLLGATE_SINGLE) {
        ngx_http_tollgate_ask_down(node);
        return;
    }

    /* another may be master by the time that these give up */

    ngx_http_tollgate_topology_ask(store);
}


static ngx_uint_t
ngx_http_tollgate_store_owes(ngx_http_tollgate_redis_t *redis)
{
    ngx_uint_t                  usage;
    ngx_http_tollgate_node_t   *node;
    ngx_http_tollgate_store_t  *store;

    node = (ngx_http_tollgate_node_t *) redis;
    store = node->store;

    usage = ngx_http_tollgate_route_usage(store);

    return node->ndebts + (store->routes[usage].node == node
                           ? ngx_http_tollgate_batch_owes(store) : 0);
}
