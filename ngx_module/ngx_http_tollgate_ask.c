
/*
 * ngx_http_tollgate_ask.c owns the questions to Redis that requests wait for: it
 * gathers those of a turn and sends those of one account as one call.
 */


#include "ngx_http_tollgate_metrics.h"
#include "ngx_http_tollgate_link.h"


#define NGX_HTTP_TOLLGATE_ASK_BATCH  64

/* arguments of one request and their bytes, and those of what is before */

#define NGX_HTTP_TOLLGATE_ASK_ARGS   10
#define NGX_HTTP_TOLLGATE_ASK_SIZE   (NGX_HTTP_TOLLGATE_HASH_LEN              \
                                      + 3 * NGX_HTTP_TOLLGATE_CODE_LEN        \
                                      + NGX_HTTP_TOLLGATE_ORIGIN_LEN          \
                                      + NGX_HTTP_TOLLGATE_EXTRAS_LEN)
#define NGX_HTTP_TOLLGATE_ASK_FIRST  256

/* what has no place now looks for one again after that, in ms */

#define NGX_HTTP_TOLLGATE_LIMBO      10


static void ngx_http_tollgate_ask_timeout(ngx_event_t *ev);
static ngx_int_t ngx_http_tollgate_ask_batch(ngx_http_tollgate_node_t *node,
    ngx_queue_t *bucket);
static ngx_uint_t ngx_http_tollgate_ask_gather(ngx_http_tollgate_node_t *node,
    ngx_queue_t *bucket, ngx_queue_t *list);
static ngx_int_t ngx_http_tollgate_ask_asking(
    ngx_http_tollgate_redis_t *redis);
static ngx_int_t ngx_http_tollgate_ask_asked(ngx_http_tollgate_call_t *call,
    ngx_http_tollgate_reply_t *reply);
static void ngx_http_tollgate_ask_format(ngx_http_tollgate_store_t *store,
    ngx_http_tollgate_call_t *call, ngx_uint_t n);


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

    /* the last character of an account is as random as the others */

    ngx_queue_insert_tail(&node->asks[ask->charge.account[9]
                                      % NGX_HTTP_TOLLGATE_BUCKETS],
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
            if (ngx_http_tollgate_ask_batch(node, &node->asks[i]) != NGX_OK) {
                return;
            }
        }
    }
}


static ngx_int_t
ngx_http_tollgate_ask_batch(ngx_http_tollgate_node_t *node,
    ngx_queue_t *bucket)
{
    ngx_uint_t                  n, gate;
    ngx_http_tollgate_ask_t    *ask;
    ngx_http_tollgate_call_t   *call;
    ngx_http_tollgate_redis_t  *redis;

    redis = &node->redis;

    ask = ngx_queue_data(ngx_queue_head(bucket), ngx_http_tollgate_ask_t,
                         queue);
    gate = ask->about == NGX_HTTP_TOLLGATE_ASK_GATE;

    if (ask->asking && ngx_http_tollgate_ask_asking(redis) != NGX_OK) {
        return NGX_ERROR;
    }

    call = ngx_http_tollgate_redis_call(redis,
                                    gate ? ngx_http_tollgate_answer
                                         : ngx_http_tollgate_foreign_answer,
                                    node);
    if (call == NULL) {
        return NGX_ERROR;
    }

    n = ngx_http_tollgate_ask_gather(node, bucket, &call->list);

    if (ngx_http_tollgate_redis_command(redis,
                               gate ? 9 + n * NGX_HTTP_TOLLGATE_ASK_ARGS : 2,
                               NGX_HTTP_TOLLGATE_ASK_FIRST
                               + (gate ? n * NGX_HTTP_TOLLGATE_ASK_SIZE : 0))
        != NGX_OK)
    {
        /* never sent, so nothing can have been charged */

        while (!ngx_queue_empty(&call->list)) {
            ngx_http_tollgate_ask_end(
                                    ngx_http_tollgate_ask_head(&call->list));
        }

        ngx_http_tollgate_redis_forget(call);
        return NGX_ERROR;
    }

    if (gate) {
        ngx_http_tollgate_ask_format(node->store, call, n);

    } else {
        ngx_http_tollgate_foreign_format(call);
    }

    ngx_http_tollgate_redis_expect(call);

    return NGX_OK;
}


/* The next call alone may touch a slot that is on its way to this server. */

static ngx_int_t
ngx_http_tollgate_ask_asking(ngx_http_tollgate_redis_t *redis)
{
    ngx_http_tollgate_call_t  *call;

    call = ngx_http_tollgate_redis_call(redis, ngx_http_tollgate_ask_asked,
                                        NULL);
    if (call == NULL) {
        return NGX_ERROR;
    }

    if (ngx_http_tollgate_redis_command(redis, 1, 6) != NGX_OK) {
        ngx_http_tollgate_redis_forget(call);
        return NGX_ERROR;
    }

    ngx_http_tollgate_redis_arg(redis, "ASKING", 6);
    ngx_http_tollgate_redis_expect(call);

    return NGX_OK;
}


static ngx_int_t
ngx_http_tollgate_ask_asked(ngx_http_tollgate_call_t *call,
    ngx_http_tollgate_reply_t *reply)
{
    /* where it is refused, so is the call that follows */

    return NGX_OK;
}


/* Moves the first of the bucket and those that can go with it. */

static ngx_uint_t
ngx_http_tollgate_ask_gather(ngx_http_tollgate_node_t *node,
    ngx_queue_t *bucket, ngx_queue_t *list)
{
    ngx_uint_t                n;
    ngx_queue_t              *q, *next;
    ngx_http_tollgate_ask_t  *ask, *first;

    first = ngx_queue_data(ngx_queue_head(bucket), ngx_http_tollgate_ask_t,
                           queue);
    n = 0;

    for (q = ngx_queue_head(bucket);
         q != ngx_queue_sentinel(bucket) && n < NGX_HTTP_TOLLGATE_ASK_BATCH;
         q = next)
    {
        next = ngx_queue_next(q);
        ask = ngx_queue_data(q, ngx_http_tollgate_ask_t, queue);

        if (ask->timeout == first->timeout && ask->asking == first->asking
            && ask->about == first->about
            && ngx_memcmp(ask->charge.account, first->charge.account,
                          NGX_HTTP_TOLLGATE_ACCOUNT_LEN) == 0
            && (ask->about == NGX_HTTP_TOLLGATE_ASK_GATE
                || ngx_memcmp(ask->hash, first->hash,
                              NGX_HTTP_TOLLGATE_HASH_LEN) == 0))
        {
            ngx_queue_remove(q);
            ngx_queue_insert_tail(list, q);
            ask->sent = 1;
            node->nasks--;
            n++;
        }
    }

    return n;
}


static void
ngx_http_tollgate_ask_format(ngx_http_tollgate_store_t *store,
    ngx_http_tollgate_call_t *call, ngx_uint_t n)
{
    u_char                      wallet[64], *p;
    ngx_queue_t                *q;
    ngx_http_tollgate_ask_t    *ask;
    ngx_http_tollgate_redis_t  *redis;
    ngx_http_tollgate_shard_t  *shard;
    ngx_http_tollgate_text_t   *feature, *model;

    redis = call->redis;

    q = ngx_queue_head(&call->list);
    ask = ngx_queue_data(q, ngx_http_tollgate_ask_t, queue);
    shard = &store->conf->shards[ask->charge.shard];

    p = ngx_cpymem(wallet, shard->wallet.data, shard->wallet.len);
    p = ngx_cpymem(p, ask->charge.account, NGX_HTTP_TOLLGATE_ACCOUNT_LEN);

    ngx_http_tollgate_redis_arg_script(redis, NGX_HTTP_TOLLGATE_GATE);
    ngx_http_tollgate_redis_arg(redis, "2", 1);
    ngx_http_tollgate_redis_arg(redis, wallet, p - wallet);
    ngx_http_tollgate_redis_arg(redis, shard->ledger.data, shard->ledger.len);
    ngx_http_tollgate_redis_arg(redis, ask->charge.account,
                                NGX_HTTP_TOLLGATE_ACCOUNT_LEN);
    ngx_http_tollgate_redis_arg(redis, shard->plan.data, shard->plan.len);
    ngx_http_tollgate_redis_arg_number(redis,
        ngx_http_tollgate_redis_clock(redis) + (int64_t) ask->timeout * 1000);
    ngx_http_tollgate_redis_arg_number(redis, n);

    for ( /* void */ ; q != ngx_queue_sentinel(&call->list);
         q = ngx_queue_next(q))
    {
        ask = ngx_queue_data(q, ngx_http_tollgate_ask_t, queue);
        feature = &ask->charge.feature;
        model = &ask->charge.model;

        ngx_http_tollgate_redis_arg(redis, ask->charge.request_id.data,
                                    ask->charge.request_id.len);
        ngx_http_tollgate_redis_arg(redis, ask->hash, ask->hash_len);
        ngx_http_tollgate_redis_arg(redis,
                                    feature->len ? feature->data
                                                 : (u_char *) "-",
                                    ngx_max(feature->len, 1));
        ngx_http_tollgate_redis_arg(redis,
                                    model->len ? model->data : (u_char *) "-",
                                    ngx_max(model->len, 1));
        ngx_http_tollgate_redis_arg_number(redis, ask->tier);
        ngx_http_tollgate_redis_arg_number(redis, ask->charge.credits);
        ngx_http_tollgate_redis_arg_number(redis, ask->charge.units);
        ngx_http_tollgate_redis_arg(redis, ask->look ? "2"
                                           : ask->dry_run ? "1" : "0", 1);
        ngx_http_tollgate_redis_arg(redis, ask->origin, ask->origin_len);
        ngx_http_tollgate_redis_arg(redis, ask->extras, ask->extras_len);
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
