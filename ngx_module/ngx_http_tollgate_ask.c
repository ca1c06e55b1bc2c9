
/*
 * ngx_http_tollgate_ask.c owns the questions to gate.lua: it gathers those of
 * a turn, sends those of one account as one call, and hands the answers out.
 */


#include "ngx_http_tollgate.h"


#define NGX_HTTP_TOLLGATE_ASK_BATCH  64

/* bytes of the arguments of one request, and of those before */

#define NGX_HTTP_TOLLGATE_ASK_SIZE   (NGX_HTTP_TOLLGATE_HASH_LEN              \
                                      + 3 * NGX_HTTP_TOLLGATE_CODE_LEN)
#define NGX_HTTP_TOLLGATE_ASK_FIRST  256


static void ngx_http_tollgate_ask_timeout(ngx_event_t *ev);
static ngx_int_t ngx_http_tollgate_ask_batch(ngx_http_tollgate_store_t *store,
    ngx_queue_t *bucket);
static ngx_uint_t ngx_http_tollgate_ask_gather(
    ngx_http_tollgate_store_t *store, ngx_queue_t *bucket, ngx_queue_t *list);
static void ngx_http_tollgate_ask_format(ngx_http_tollgate_store_t *store,
    ngx_http_tollgate_call_t *call, ngx_uint_t n);
static ngx_int_t ngx_http_tollgate_ask_reply(ngx_http_tollgate_call_t *call,
    ngx_http_tollgate_reply_t *reply);
static void ngx_http_tollgate_ask_error(ngx_http_tollgate_call_t *call,
    ngx_http_tollgate_reply_t *reply);
static void ngx_http_tollgate_ask_late(ngx_http_tollgate_ask_t *ask,
    ngx_http_tollgate_value_t *v);
static void ngx_http_tollgate_ask_lost(ngx_http_tollgate_call_t *call);
static void ngx_http_tollgate_ask_end(ngx_http_tollgate_ask_t *ask);
static void ngx_http_tollgate_ask_free(ngx_http_tollgate_ask_t *ask);
static ngx_http_tollgate_ask_t *ngx_http_tollgate_ask_head(ngx_queue_t *list);


/* NGX_AGAIN: asked.  NGX_DECLINED: the server is known to be down. */

ngx_int_t
ngx_http_tollgate_ask(ngx_http_tollgate_ctx_t *ctx)
{
    ngx_queue_t                *q;
    ngx_http_tollgate_ask_t    *ask;
    ngx_http_tollgate_store_t  *store;

    store = ctx->conf->store;

    if (store->redis.state == NGX_HTTP_TOLLGATE_REDIS_DOWN) {
        return NGX_DECLINED;
    }

    if (ngx_queue_empty(&store->spare)) {
        ask = ngx_alloc(sizeof(ngx_http_tollgate_ask_t), store->redis.log);
        if (ask == NULL) {
            return NGX_ERROR;
        }

    } else {
        q = ngx_queue_head(&store->spare);
        ngx_queue_remove(q);
        ask = ngx_queue_data(q, ngx_http_tollgate_ask_t, queue);
    }

    if (ngx_http_tollgate_key_hash(ask->hash, &ctx->presented) != NGX_OK) {
        ngx_queue_insert_head(&store->spare, &ask->queue);
        return NGX_ERROR;
    }

    ask->ctx = ctx;
    ask->store = store;
    ask->timeout = ctx->conf->timeout;
    ask->charge = ctx->charge;
    ask->charge.credits = ctx->cost;
    ask->charge.units = ctx->cost_units;
    ask->tier = ctx->tier;
    ask->sent = 0;
    ask->again = 0;
    ask->served = 0;
    ask->dry_run = ctx->dry_run;

    ngx_memzero(&ask->timer, sizeof(ngx_event_t));
    ask->timer.handler = ngx_http_tollgate_ask_timeout;
    ask->timer.data = ask;
    ask->timer.log = store->redis.log;

    ngx_add_timer(&ask->timer, ask->timeout);

    /* the last character of an account is as random as the others */

    ngx_queue_insert_tail(&store->asks[ask->charge.account[9]
                                       % NGX_HTTP_TOLLGATE_BUCKETS],
                          &ask->queue);
    store->nasks++;

    ctx->ask = ask;

    ngx_http_tollgate_redis_post(&store->redis);

    return NGX_AGAIN;
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

    if (ask->timer.timer_set) {
        ngx_del_timer(&ask->timer);
    }

    if (!ask->sent) {
        ngx_queue_remove(&ask->queue);
        ask->store->nasks--;
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
    redis = &ask->store->redis;

    if (redis->logged != ngx_time()) {
        redis->logged = ngx_time();
        ngx_log_error(NGX_LOG_ERR, ctx->request->connection->log, 0,
                      "tollgate: no answer from redis \"%V\" in %M ms",
                      &redis->name, ask->timeout);
    }

    ask->served = ctx->conf->on_error == NGX_HTTP_TOLLGATE_OPEN;

    ngx_http_tollgate_ask_leave(ctx);

    ctx->verdict = NGX_HTTP_TOLLGATE_STORE_UNREACHABLE;
    ngx_http_tollgate_resume(ctx);
}


void
ngx_http_tollgate_ask_send(ngx_http_tollgate_store_t *store)
{
    ngx_uint_t  i;

    for (i = 0; i < NGX_HTTP_TOLLGATE_BUCKETS && store->nasks; i++) {
        while (!ngx_queue_empty(&store->asks[i])
               && ngx_http_tollgate_redis_room(&store->redis))
        {
            if (ngx_http_tollgate_ask_batch(store, &store->asks[i]) != NGX_OK)
            {
                return;
            }
        }
    }
}


static ngx_int_t
ngx_http_tollgate_ask_batch(ngx_http_tollgate_store_t *store,
    ngx_queue_t *bucket)
{
    ngx_uint_t                 n;
    ngx_http_tollgate_call_t  *call;

    call = ngx_http_tollgate_redis_call(&store->redis,
                                        ngx_http_tollgate_ask_reply, store);
    if (call == NULL) {
        return NGX_ERROR;
    }

    n = ngx_http_tollgate_ask_gather(store, bucket, &call->list);

    if (ngx_http_tollgate_redis_command(&store->redis, 9 + 8 * n,
                                        NGX_HTTP_TOLLGATE_ASK_FIRST
                                        + n * NGX_HTTP_TOLLGATE_ASK_SIZE)
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

    ngx_http_tollgate_ask_format(store, call, n);
    ngx_http_tollgate_redis_expect(call);

    return NGX_OK;
}


/* Moves the first of the bucket and those that can go with it. */

static ngx_uint_t
ngx_http_tollgate_ask_gather(ngx_http_tollgate_store_t *store,
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

        if (ask->timeout == first->timeout
            && ngx_memcmp(ask->charge.account, first->charge.account,
                          NGX_HTTP_TOLLGATE_ACCOUNT_LEN) == 0)
        {
            ngx_queue_remove(q);
            ngx_queue_insert_tail(list, q);
            ask->sent = 1;
            store->nasks--;
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

    redis = &store->redis;

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
        ngx_http_tollgate_redis_arg(redis, ask->hash,
                                    NGX_HTTP_TOLLGATE_HASH_LEN);
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
        ngx_http_tollgate_redis_arg(redis, ask->dry_run ? "1" : "0", 1);
    }
}


static ngx_int_t
ngx_http_tollgate_ask_reply(ngx_http_tollgate_call_t *call,
    ngx_http_tollgate_reply_t *reply)
{
    ngx_int_t                   rc;
    ngx_uint_t                  n;
    ngx_queue_t                *q;
    ngx_http_tollgate_ask_t    *ask;
    ngx_http_tollgate_ctx_t    *ctx;
    ngx_http_tollgate_value_t  *v;

    if (reply == NULL) {
        ngx_http_tollgate_ask_lost(call);
        return NGX_OK;
    }

    if (reply->type == REDIS_REPLY_ERROR) {
        ngx_http_tollgate_ask_error(call, reply);
        return NGX_OK;
    }

    n = 0;

    for (q = ngx_queue_head(&call->list);
         q != ngx_queue_sentinel(&call->list);
         q = ngx_queue_next(q))
    {
        n++;
    }

    v = reply->value;

    if (reply->type != REDIS_REPLY_ARRAY
        || reply->n != NGX_HTTP_TOLLGATE_ASK_HEAD
                       + n * NGX_HTTP_TOLLGATE_ASK_WIDTH
        || v[0].type != REDIS_REPLY_INTEGER
        || v[1].type != REDIS_REPLY_INTEGER)
    {
        ngx_http_tollgate_ask_lost(call);
        return NGX_ERROR;
    }

    ngx_http_tollgate_redis_heard(call->redis, v[0].integer);

    rc = NGX_OK;

    for (n = NGX_HTTP_TOLLGATE_ASK_HEAD;
         !ngx_queue_empty(&call->list);
         n += NGX_HTTP_TOLLGATE_ASK_WIDTH)
    {
        ask = ngx_http_tollgate_ask_head(&call->list);
        ask->charge.epoch = v[1].integer;
        ctx = ask->ctx;

        if (ctx == NULL) {
            ngx_http_tollgate_ask_late(ask, &v[n]);
            ngx_http_tollgate_ask_free(ask);
            continue;
        }

        if (ngx_http_tollgate_verdict_read(ctx, ask, &v[n]) != NGX_OK) {
            ngx_queue_insert_head(&call->list, &ask->queue);
            ngx_http_tollgate_ask_lost(call);
            rc = NGX_ERROR;
            break;
        }

        ngx_http_tollgate_ask_leave(ctx);
        ngx_http_tollgate_ask_free(ask);
        ngx_http_tollgate_resume(ctx);
    }

    return rc;
}


/* An error reply: the script did not run, or stopped before it wrote. */

static void
ngx_http_tollgate_ask_error(ngx_http_tollgate_call_t *call,
    ngx_http_tollgate_reply_t *reply)
{
    ngx_uint_t                  again;
    ngx_http_tollgate_ask_t    *ask;
    ngx_http_tollgate_store_t  *store;

    store = call->data;
    again = 0;

    if (ngx_http_tollgate_redis_noscript(reply)) {
        ask = ngx_queue_data(ngx_queue_head(&call->list),
                             ngx_http_tollgate_ask_t, queue);
        again = !ask->again
                && ngx_http_tollgate_redis_load(&store->redis) == NGX_OK;
    }

    if (!again) {
        ngx_http_tollgate_redis_complain(&store->redis, "to decide", reply);
    }

    while (!ngx_queue_empty(&call->list)) {
        ask = ngx_http_tollgate_ask_head(&call->list);

        if (!again || ask->ctx == NULL) {
            ngx_http_tollgate_ask_end(ask);
            continue;
        }

        ask->again = 1;
        ask->sent = 0;
        ngx_queue_insert_tail(&store->asks[ask->charge.account[9]
                                           % NGX_HTTP_TOLLGATE_BUCKETS],
                              &ask->queue);
        store->nasks++;
    }

    ngx_http_tollgate_redis_post(&store->redis);
}


/* An answer that nobody waits for: the client got nothing for its credits. */

static void
ngx_http_tollgate_ask_late(ngx_http_tollgate_ask_t *ask,
    ngx_http_tollgate_value_t *v)
{
    ngx_http_tollgate_ctx_t  ctx;

    if (ask->served || ask->dry_run) {
        return;
    }

    ngx_memzero(&ctx, sizeof(ngx_http_tollgate_ctx_t));
    ctx.charge = ask->charge;

    if (ngx_http_tollgate_verdict_read(&ctx, ask, v) != NGX_OK) {
        ngx_http_tollgate_void(ask->store, &ask->charge);
        return;
    }

    if (ctx.charge.credits || ctx.charge.units) {
        ngx_http_tollgate_refund(ask->store, &ctx.charge);
    }
}


/* Whether these were charged can't be known here: the ledger finds out. */

static void
ngx_http_tollgate_ask_lost(ngx_http_tollgate_call_t *call)
{
    ngx_http_tollgate_ask_t  *ask;

    while (!ngx_queue_empty(&call->list)) {
        ask = ngx_http_tollgate_ask_head(&call->list);

        if (ask->ctx != NULL) {
            ask->served = ask->ctx->conf->on_error == NGX_HTTP_TOLLGATE_OPEN;
        }

        if (!ask->served && !ask->dry_run
            && (ask->charge.credits || ask->charge.units))
        {
            ngx_http_tollgate_void(ask->store, &ask->charge);
        }

        ngx_http_tollgate_ask_end(ask);
    }
}


/* The server went down: nobody waits for what was never sent. */

void
ngx_http_tollgate_ask_down(ngx_http_tollgate_store_t *store)
{
    ngx_uint_t                i;
    ngx_queue_t               list;
    ngx_http_tollgate_ask_t  *ask;

    ngx_queue_init(&list);

    for (i = 0; i < NGX_HTTP_TOLLGATE_BUCKETS && store->nasks; i++) {
        while (!ngx_queue_empty(&store->asks[i])) {
            ask = ngx_http_tollgate_ask_head(&store->asks[i]);
            ask->sent = 1;
            store->nasks--;
            ngx_queue_insert_tail(&list, &ask->queue);
        }
    }

    while (!ngx_queue_empty(&list)) {
        ngx_http_tollgate_ask_end(ngx_http_tollgate_ask_head(&list));
    }
}


/* Ends a question without an answer; it was sent, and is in no queue. */

static void
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


static void
ngx_http_tollgate_ask_free(ngx_http_tollgate_ask_t *ask)
{
    ngx_queue_insert_head(&ask->store->spare, &ask->queue);
}


static ngx_http_tollgate_ask_t *
ngx_http_tollgate_ask_head(ngx_queue_t *list)
{
    ngx_queue_t  *q;

    q = ngx_queue_head(list);
    ngx_queue_remove(q);

    return ngx_queue_data(q, ngx_http_tollgate_ask_t, queue);
}
