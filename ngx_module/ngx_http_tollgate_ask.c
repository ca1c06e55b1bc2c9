
/*
 * ngx_http_tollgate_ask.c owns the questions to Redis that requests wait for,
 * until they are sent.
 */


#include "ngx_http_tollgate_metrics.h"
#include "ngx_http_tollgate_link.h"


/* what has no place now looks for one again after that, in ms */

#define NGX_HTTP_TOLLGATE_LIMBO      10


static void ngx_http_tollgate_ask_timeout(ngx_event_t *ev);


/* NGX_AGAIN: asked.  NGX_DECLINED: the server is known to be down. */

ngx_int_t
ngx_http_tollgate_ask(ngx_http_tollgate_ctx_t *ctx)
{
    ngx_http_tollgate_ask_t    *ask;
    ngx_http_tollgate_node_t   *node;
    ngx_http_tollgate_store_t  *store;

    store = ctx->conf->store;
    node = store->routes[ctx->charge.shard].node;

    if (ngx_http_tollgate_redis_broken(&node->redis)
        || node->nasks >= store->server.queue)
    {
        return NGX_DECLINED;
    }

    ask = ngx_http_tollgate_ask_get(store);
    if (ask == NULL) {
        return NGX_ERROR;
    }

    if ((ctx->link == NULL
         && ngx_http_tollgate_key_hash(ask->hash, &ctx->presented) != NGX_OK)
        || ngx_http_tollgate_origin(ctx, ask) != NGX_OK
        || ngx_http_tollgate_extras(ctx, ask) != NGX_OK)
    {
        ngx_queue_insert_head(&store->spare, &ask->queue);
        return NGX_ERROR;
    }

    ask->about = NGX_HTTP_TOLLGATE_ASK_GATE;
    ask->charge = ctx->charge;
    ask->charge.credits = ctx->cost;
    ask->charge.units = ctx->cost_units;
    ngx_http_tollgate_link_record(ctx, ask);
    ask->tier = ctx->tier;
    ask->dry_run = ctx->dry_run || ctx->look;
    ask->look = ctx->look;

    ngx_http_tollgate_ask_start(ask, ctx, node);

    return NGX_AGAIN;
}


/* One to fill in, for _ask_start() or _ask_free(). */

ngx_http_tollgate_ask_t *
ngx_http_tollgate_ask_get(ngx_http_tollgate_store_t *store)
{
    ngx_queue_t  *q;

    if (ngx_queue_empty(&store->spare)) {
        return ngx_alloc(sizeof(ngx_http_tollgate_ask_t), store->log);
    }

    q = ngx_queue_head(&store->spare);
    ngx_queue_remove(q);

    return ngx_queue_data(q, ngx_http_tollgate_ask_t, queue);
}


/* The request waits for what the node answers. */

void
ngx_http_tollgate_ask_start(ngx_http_tollgate_ask_t *ask,
    ngx_http_tollgate_ctx_t *ctx, ngx_http_tollgate_node_t *node)
{
    ask->ctx = ctx;
    ask->timeout = ctx->conf->timeout;
    ask->again = 0;
    ask->asking = 0;
    ask->served = 0;

    ngx_memzero(&ask->timer, sizeof(ngx_event_t));
    ask->timer.handler = ngx_http_tollgate_ask_timeout;
    ask->timer.data = ask;
    ask->timer.log = node->store->log;

    ngx_add_timer(&ask->timer, ask->timeout);

    ctx->ask = ask;

    ngx_http_tollgate_ask_put(ask, node);
}


/* It waits to be sent by the node, at the end of this turn if there is room. */

void
ngx_http_tollgate_ask_put(ngx_http_tollgate_ask_t *ask,
    ngx_http_tollgate_node_t *node)
{
    ngx_http_tollgate_store_t  *store;

    store = node->store;

    ask->node = node;
    ask->sent = 0;

    ngx_queue_insert_tail(ngx_http_tollgate_group_bucket(node, ask),
                          &ask->queue);
    node->nasks++;

    if (node != &store->limbo) {
        ngx_http_tollgate_redis_post(&node->redis);

    } else if (!store->limbo_timer.timer_set) {
        ngx_add_timer(&store->limbo_timer, NGX_HTTP_TOLLGATE_LIMBO);
    }
}


/* What waits for a node that is not where its route leads to goes there. */

void
ngx_http_tollgate_ask_move(ngx_http_tollgate_node_t *node)
{
    ngx_uint_t                 i;
    ngx_queue_t               *q, *next;
    ngx_http_tollgate_ask_t   *ask;
    ngx_http_tollgate_node_t  *to;

    for (i = 0; i < NGX_HTTP_TOLLGATE_BUCKETS && node->nasks; i++) {

        for (q = ngx_queue_head(&node->asks[i]);
             q != ngx_queue_sentinel(&node->asks[i]);
             q = next)
        {
            next = ngx_queue_next(q);
            ask = ngx_queue_data(q, ngx_http_tollgate_ask_t, queue);
            to = node->store->routes[ask->charge.shard].node;

            if (to != node && !ask->asking) {
                ngx_queue_remove(q);
                node->nasks--;
                ngx_http_tollgate_ask_put(ask, to);
            }
        }
    }
}


/*
 * The request goes on without an answer, or is gone.  A question that is on
 * its way stays until its reply comes.
 */

void
ngx_http_tollgate_ask_leave(ngx_http_tollgate_ctx_t *ctx)
{
    ngx_http_tollgate_ask_t  *ask;

    ask = ctx->ask;

    if (ask == NULL) {
        return;
    }

    ctx->ask = NULL;
    ask->ctx = NULL;

    if (ask->about != NGX_HTTP_TOLLGATE_ASK_GATE) {
        ngx_http_tollgate_foreign_left(ctx);
    }

    if (ask->timer.timer_set) {
        ngx_del_timer(&ask->timer);
    }

    if (!ask->sent) {
        ngx_queue_remove(&ask->queue);
        ask->node->nasks--;
        ngx_http_tollgate_ask_free(ask);
    }
}


static void
ngx_http_tollgate_ask_timeout(ngx_event_t *ev)
{
    ngx_http_tollgate_ask_t    *ask;
    ngx_http_tollgate_ctx_t    *ctx;
    ngx_http_tollgate_redis_t  *redis;

    ask = ev->data;
    ctx = ask->ctx;
    redis = &ask->node->redis;
    redis->strikes++;

    ngx_http_tollgate_metrics_fault(redis, NGX_HTTP_TOLLGATE_FAULT_TIMEOUT);

    ngx_http_tollgate_complain(&redis->said, NGX_LOG_ERR,
                               ctx->request->connection->log,
                               "no answer from redis \"%V\" in %M ms, hint: "
                               "see how busy it is, or make "
                               "\"tollgate_timeout\" longer",
                               &redis->name, ask->timeout);

    if (ask->about == NGX_HTTP_TOLLGATE_ASK_GATE) {
        ask->served = ngx_http_tollgate_stale_serves(ctx);
    }

    ngx_http_tollgate_ask_leave(ctx);

    ctx->verdict = NGX_HTTP_TOLLGATE_STORE_UNREACHABLE;
    ngx_http_tollgate_resume(ctx);
}


void
ngx_http_tollgate_ask_send(ngx_http_tollgate_node_t *node)
{
    ngx_uint_t  i;

    for (i = 0; i < NGX_HTTP_TOLLGATE_BUCKETS && node->nasks; i++) {
        while (!ngx_queue_empty(&node->asks[i])
               && ngx_http_tollgate_redis_room(&node->redis))
        {
            if (ngx_http_tollgate_group_send(node, &node->asks[i]) != NGX_OK)
            {
                return;
            }
        }
    }
}


/* The server went down: nobody waits for what was never sent. */

void
ngx_http_tollgate_ask_down(ngx_http_tollgate_node_t *node)
{
    ngx_uint_t                i;
    ngx_queue_t               list;
    ngx_http_tollgate_ask_t  *ask;

    ngx_queue_init(&list);

    for (i = 0; i < NGX_HTTP_TOLLGATE_BUCKETS && node->nasks; i++) {
        while (!ngx_queue_empty(&node->asks[i])) {
            ask = ngx_http_tollgate_ask_head(&node->asks[i]);
            ask->sent = 1;
            node->nasks--;
            ngx_queue_insert_tail(&list, &ask->queue);
        }
    }

    while (!ngx_queue_empty(&list)) {
        ngx_http_tollgate_ask_end(ngx_http_tollgate_ask_head(&list));
    }
}


/* Ends a question without an answer; it was sent, and is in no queue. */

void
ngx_http_tollgate_ask_end(ngx_http_tollgate_ask_t *ask)
{
    ngx_http_tollgate_ctx_t  *ctx;

    ctx = ask->ctx;

    if (ctx != NULL) {
        ngx_http_tollgate_ask_leave(ctx);
    }

    ngx_http_tollgate_ask_free(ask);

    if (ctx != NULL) {
        ctx->verdict = NGX_HTTP_TOLLGATE_STORE_UNREACHABLE;
        ngx_http_tollgate_resume(ctx);
    }
}


void
ngx_http_tollgate_ask_free(ngx_http_tollgate_ask_t *ask)
{
    ngx_queue_insert_head(&ask->node->store->spare, &ask->queue);
}


ngx_http_tollgate_ask_t *
ngx_http_tollgate_ask_head(ngx_queue_t *list)
{
    ngx_queue_t  *q;

    q = ngx_queue_head(list);
    ngx_queue_remove(q);

    return ngx_queue_data(q, ngx_http_tollgate_ask_t, queue);
}


/* Those that nobody uses; the others have come back before. */

void
ngx_http_tollgate_ask_exit(ngx_http_tollgate_store_t *store)
{
    ngx_queue_t  *q;

    while (!ngx_queue_empty(&store->spare)) {
        q = ngx_queue_head(&store->spare);
        ngx_queue_remove(q);
        ngx_free(ngx_queue_data(q, ngx_http_tollgate_ask_t, queue));
    }
}
