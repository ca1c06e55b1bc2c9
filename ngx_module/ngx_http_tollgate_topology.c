
/*
 * ngx_http_tollgate_topology.c owns the question who is master of what: the
 * scout, a connection beside those that calls take, puts it to a sentinel or
 * to a node of the cluster, in time and whenever something has gone wrong.
 */


#include "ngx_http_tollgate.h"


#define NGX_HTTP_TOLLGATE_TOPOLOGY_PERIOD  1000     /* ms */
#define NGX_HTTP_TOLLGATE_TOPOLOGY_GAP     50       /* at least, ms */


static void ngx_http_tollgate_topology_send(ngx_http_tollgate_redis_t *redis);
static ngx_int_t ngx_http_tollgate_topology_reply(
    ngx_http_tollgate_call_t *call, ngx_http_tollgate_reply_t *reply);
static ngx_int_t ngx_http_tollgate_topology_sentinel(
    ngx_http_tollgate_store_t *store, ngx_http_tollgate_reply_t *reply);
static ngx_int_t ngx_http_tollgate_topology_cluster(
    ngx_http_tollgate_store_t *store, ngx_http_tollgate_reply_t *reply);
static ngx_int_t ngx_http_tollgate_topology_range(
    ngx_http_tollgate_store_t *store, ngx_http_tollgate_cluster_t *it);
static ngx_uint_t ngx_http_tollgate_topology_stale(
    ngx_http_tollgate_store_t *store);
static void ngx_http_tollgate_topology_seeds(ngx_http_tollgate_store_t *store);
static void ngx_http_tollgate_topology_timer(ngx_event_t *ev);
static void ngx_http_tollgate_topology_down(ngx_http_tollgate_redis_t *redis);
static ngx_uint_t ngx_http_tollgate_topology_owes(
    ngx_http_tollgate_redis_t *redis);
static ngx_http_tollgate_store_t *ngx_http_tollgate_topology_store(
    ngx_http_tollgate_redis_t *redis);


void
ngx_http_tollgate_topology_start(ngx_http_tollgate_store_t *store)
{
    ngx_http_tollgate_redis_t  *scout;

    scout = &store->scout;

    scout->conf = &store->server;
    scout->name = store->server.name;
    scout->addrs = store->server.addrs;
    scout->naddrs = store->server.naddrs;
    scout->scout = 1;

    /* not all worker processes ask the same one */

    scout->addr = ngx_random() % scout->naddrs;

    scout->send = ngx_http_tollgate_topology_send;
    scout->down = ngx_http_tollgate_topology_down;
    scout->owes = ngx_http_tollgate_topology_owes;

    store->scout_timer.handler = ngx_http_tollgate_topology_timer;
    store->scout_timer.data = store;
    store->scout_timer.log = store->log;
    store->scout_timer.cancelable = 1;

    store->due = 1;

    ngx_http_tollgate_redis_init(scout, store->log);
    ngx_http_tollgate_redis_connect(scout);
}


/* Something doesn't fit: ask, but not again and again. */

void
ngx_http_tollgate_topology_ask(ngx_http_tollgate_store_t *store)
{
    ngx_msec_t  since;

    if (store->pending || store->due) {
        return;
    }

    since = ngx_current_msec - store->answered;

    if (since < NGX_HTTP_TOLLGATE_TOPOLOGY_GAP) {
        ngx_add_timer(&store->scout_timer,
                      NGX_HTTP_TOLLGATE_TOPOLOGY_GAP - since);
        return;
    }

    store->due = 1;
    ngx_http_tollgate_redis_post(&store->scout);
}


static void
ngx_http_tollgate_topology_send(ngx_http_tollgate_redis_t *redis)
{
    ngx_str_t                  *master;
    ngx_uint_t                  sentinel;
    ngx_http_tollgate_call_t   *call;
    ngx_http_tollgate_store_t  *store;

    store = ngx_http_tollgate_topology_store(redis);

    if (!store->due || store->pending
        || !ngx_http_tollgate_redis_room(redis))
    {
        return;
    }

    call = ngx_http_tollgate_redis_call(redis,
                                        ngx_http_tollgate_topology_reply,
                                        store);
    if (call == NULL) {
        return;
    }

    master = &store->server.master;
    sentinel = store->server.topology == NGX_HTTP_TOLLGATE_SENTINEL;

    if (ngx_http_tollgate_redis_command(redis, sentinel ? 3 : 2,
                                        64 + master->len)
        != NGX_OK)
    {
        ngx_http_tollgate_redis_forget(call);
        return;
    }

    if (sentinel) {
        ngx_http_tollgate_redis_arg(redis, "SENTINEL", 8);
        ngx_http_tollgate_redis_arg(redis, "get-master-addr-by-name", 23);
        ngx_http_tollgate_redis_arg(redis, master->data, master->len);

    } else {
        ngx_http_tollgate_redis_arg(redis, "CLUSTER", 7);
        ngx_http_tollgate_redis_arg(redis, "NODES", 5);
    }

    ngx_http_tollgate_redis_expect(call);

    store->due = 0;
    store->pending = 1;
}


/* NGX_ABORT: ask another one, at its next address. */

static ngx_int_t
ngx_http_tollgate_topology_reply(ngx_http_tollgate_call_t *call,
    ngx_http_tollgate_reply_t *reply)
{
    ngx_int_t                   rc;
    ngx_uint_t                  i;
    ngx_http_tollgate_store_t  *store;

    store = call->data;
    store->pending = 0;

    if (reply == NULL) {
        return NGX_OK;
    }

    if (reply->type == REDIS_REPLY_ERROR) {
        ngx_http_tollgate_redis_complain(call->redis, "to tell the masters",
                                         reply);
        return NGX_ABORT;
    }

    for (i = 0; i < ngx_http_tollgate_nroutes(store); i++) {
        store->routes[i].next = &store->limbo;
    }

    rc = store->server.topology == NGX_HTTP_TOLLGATE_SENTINEL
         ? ngx_http_tollgate_topology_sentinel(store, reply)
         : ngx_http_tollgate_topology_cluster(store, reply);

    if (rc != NGX_OK) {
        return rc;
    }

    ngx_http_tollgate_store_reroute(store);
    ngx_http_tollgate_topology_seeds(store);

    store->answered = ngx_current_msec;
    store->failures = 0;
    store->limbo.redis.backoff = 0;

    if (ngx_http_tollgate_topology_stale(store)) {
        return NGX_ABORT;
    }

    ngx_add_timer(&store->scout_timer, NGX_HTTP_TOLLGATE_TOPOLOGY_PERIOD);

    return NGX_OK;
}


static ngx_int_t
ngx_http_tollgate_topology_sentinel(ngx_http_tollgate_store_t *store,
    ngx_http_tollgate_reply_t *reply)
{
    ngx_int_t                   port;
    ngx_uint_t                  i;
    ngx_http_tollgate_node_t   *node;
    ngx_http_tollgate_place_t   place;
    ngx_http_tollgate_redis_t  *scout;

    scout = &store->scout;

    if (reply->type == REDIS_REPLY_NIL) {
        ngx_http_tollgate_complain(&scout->said, NGX_LOG_ERR, scout->log,
                                   "a sentinel of \"%V\" knows no master "
                                   "\"%V\", hint: check \"sentinel\" of "
                                   "\"tollgate_redis\"", &scout->name,
                                   &store->server.master);

        return NGX_ABORT;
    }

    if (reply->type != REDIS_REPLY_ARRAY || reply->n != 2
        || reply->value[0].type != REDIS_REPLY_STRING
        || reply->value[1].type != REDIS_REPLY_STRING)
    {
        return NGX_ERROR;
    }

    port = ngx_atoi(reply->value[1].str.data, reply->value[1].str.len);

    if (port < 1 || port > 65535 || reply->value[0].str.len == 0) {
        return NGX_ERROR;
    }

    place.host = reply->value[0].str;
    place.port = port;

    node = ngx_http_tollgate_store_node(store, &place, scout);

    if (node == NULL) {
        return NGX_ABORT;
    }

    for (i = 0; i < ngx_http_tollgate_nroutes(store); i++) {
        store->routes[i].next = node;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_tollgate_topology_cluster(ngx_http_tollgate_store_t *store,
    ngx_http_tollgate_reply_t *reply)
{
    ngx_int_t                    rc;
    ngx_http_tollgate_cluster_t  it;

    if (reply->type != REDIS_REPLY_STRING) {
        return NGX_ERROR;
    }

    ngx_http_tollgate_cluster_read(&it, &reply->value[0].str);

    do {
        rc = ngx_http_tollgate_cluster_next(&it);

        if (rc == NGX_OK
            && ngx_http_tollgate_topology_range(store, &it) != NGX_OK)
        {
            return NGX_ABORT;
        }

    } while (rc == NGX_OK);

    return rc == NGX_DONE ? NGX_OK : NGX_ERROR;
}


/* A connection is made only to those that have keys of ours. */

static ngx_int_t
ngx_http_tollgate_topology_range(ngx_http_tollgate_store_t *store,
    ngx_http_tollgate_cluster_t *it)
{
    ngx_uint_t                  i;
    ngx_http_tollgate_node_t   *node;
    ngx_http_tollgate_route_t  *route;

    node = NULL;

    for (i = 0; i < ngx_http_tollgate_nroutes(store); i++) {
        route = &store->routes[i];

        if (route->slot < (ngx_uint_t) it->first
            || route->slot > (ngx_uint_t) it->to)
        {
            continue;
        }

        if (node == NULL) {
            node = ngx_http_tollgate_store_node(store, &it->place,
                                                &store->scout);
            if (node == NULL) {
                return NGX_ERROR;
            }
        }

        route->next = node;
    }

    return NGX_OK;
}


/* A master that doesn't answer may be one that others have replaced. */

static ngx_uint_t
ngx_http_tollgate_topology_stale(ngx_http_tollgate_store_t *store)
{
    ngx_uint_t                 i;
    ngx_http_tollgate_node_t  *node;

    for (i = 0; i < ngx_http_tollgate_nroutes(store); i++) {
        node = store->routes[i].node;

        if (node == &store->limbo
            || ngx_http_tollgate_redis_broken(&node->redis))
        {
            return 1;
        }
    }

    return 0;
}


/* Whoever is left of a cluster can be asked, not the seeds alone. */

static void
ngx_http_tollgate_topology_seeds(ngx_http_tollgate_store_t *store)
{
    ngx_uint_t                       n;
    ngx_addr_t                      *addrs;
    ngx_queue_t                     *q;
    ngx_http_tollgate_node_t        *node;
    ngx_http_tollgate_redis_conf_t  *conf;

    conf = &store->server;

    if (conf->topology != NGX_HTTP_TOLLGATE_CLUSTER) {
        return;
    }

    n = conf->naddrs;

    for (q = ngx_queue_head(&store->nodes);
         q != ngx_queue_sentinel(&store->nodes);
         q = ngx_queue_next(q))
    {
        n++;
    }

    /* those of before may be of nodes that are gone */

    store->scout.addrs = conf->addrs;
    store->scout.naddrs = conf->naddrs;

    addrs = realloc(store->scouted, n * sizeof(ngx_addr_t));
    if (addrs == NULL) {
        return;
    }

    store->scouted = addrs;
    ngx_memcpy(addrs, conf->addrs, conf->naddrs * sizeof(ngx_addr_t));
    n = conf->naddrs;

    for (q = ngx_queue_head(&store->nodes);
         q != ngx_queue_sentinel(&store->nodes);
         q = ngx_queue_next(q))
    {
        node = ngx_queue_data(q, ngx_http_tollgate_node_t, queue);
        addrs[n++] = node->addr;
    }

    store->scout.addrs = addrs;
    store->scout.naddrs = n;
}


static void
ngx_http_tollgate_topology_timer(ngx_event_t *ev)
{
    ngx_http_tollgate_store_t  *store;

    store = ev->data;
    store->due = 1;

    ev->cancelable = !ngx_http_tollgate_redis_weigh(&store->scout);
    ngx_http_tollgate_redis_post(&store->scout);
}


static void
ngx_http_tollgate_topology_down(ngx_http_tollgate_redis_t *redis)
{
    ngx_http_tollgate_store_t  *store;

    store = ngx_http_tollgate_topology_store(redis);

    store->due = 1;
    store->pending = 0;

    /* nobody is left to ask: what has no place has no hope of one either */

    if (++store->failures >= redis->naddrs) {
        store->limbo.redis.backoff = redis->backoff;
    }
}


static ngx_uint_t
ngx_http_tollgate_topology_owes(ngx_http_tollgate_redis_t *redis)
{
    ngx_http_tollgate_store_t  *store;

    store = ngx_http_tollgate_topology_store(redis);

    return store->limbo.redis.owes(&store->limbo.redis);
}


static ngx_http_tollgate_store_t *
ngx_http_tollgate_topology_store(ngx_http_tollgate_redis_t *redis)
{
    return (ngx_http_tollgate_store_t *)
               ((u_char *) redis - offsetof(ngx_http_tollgate_store_t, scout));
}


void
ngx_http_tollgate_topology_exit(ngx_http_tollgate_store_t *store)
{
    if (store->scout_timer.timer_set) {
        ngx_del_timer(&store->scout_timer);
    }

    ngx_http_tollgate_redis_exit(&store->scout);

    free(store->scouted);
    store->scouted = NULL;
}
