
/*
 * ngx_http_tollgate_group.c owns what goes to Redis in one call: which of the
 * questions that wait go together, and how they are written.
 */


#include "ngx_http_tollgate_metrics.h"
#include "ngx_http_tollgate_link.h"


/* a call of so many requests keeps Redis for less than a millisecond */

#define NGX_HTTP_TOLLGATE_GROUP_MOST    32

/* arguments of a call, of an account and of a request, and their bytes */

#define NGX_HTTP_TOLLGATE_GROUP_HEAD    4
#define NGX_HTTP_TOLLGATE_GROUP_ACCOUNT 5
#define NGX_HTTP_TOLLGATE_GROUP_ARGS    10

#define NGX_HTTP_TOLLGATE_GROUP_FIRST   256
#define NGX_HTTP_TOLLGATE_GROUP_SIZE    (NGX_HTTP_TOLLGATE_HASH_LEN           \
                                         + 3 * NGX_HTTP_TOLLGATE_CODE_LEN     \
                                         + NGX_HTTP_TOLLGATE_ORIGIN_LEN       \
                                         + NGX_HTTP_TOLLGATE_EXTRAS_LEN)


static ngx_uint_t ngx_http_tollgate_group_gather(
    ngx_http_tollgate_node_t *node, ngx_queue_t *bucket, ngx_queue_t *list);
static ngx_uint_t ngx_http_tollgate_group_fits(ngx_http_tollgate_ask_t *ask,
    ngx_http_tollgate_ask_t *first);
static ngx_uint_t ngx_http_tollgate_group_insert(ngx_queue_t *list,
    ngx_http_tollgate_ask_t *ask);
static ngx_int_t ngx_http_tollgate_group_command(
    ngx_http_tollgate_redis_t *redis, ngx_queue_t *list, ngx_uint_t accounts);
static ngx_int_t ngx_http_tollgate_group_asking(
    ngx_http_tollgate_redis_t *redis);
static ngx_int_t ngx_http_tollgate_group_asked(ngx_http_tollgate_call_t *call,
    ngx_http_tollgate_reply_t *reply);
static void ngx_http_tollgate_group_format(ngx_http_tollgate_store_t *store,
    ngx_http_tollgate_call_t *call, ngx_uint_t accounts);
static void ngx_http_tollgate_group_format_request(
    ngx_http_tollgate_redis_t *redis, ngx_http_tollgate_ask_t *ask);


/*
 * Where a question waits.  A server by itself has the keys of all shards, so
 * all can go together; of a cluster those of a shard can.
 */

ngx_queue_t *
ngx_http_tollgate_group_bucket(ngx_http_tollgate_node_t *node,
    ngx_http_tollgate_ask_t *ask)
{
    return &node->asks[node->store->server.topology == NGX_HTTP_TOLLGATE_CLUSTER
                       ? ask->charge.shard % NGX_HTTP_TOLLGATE_BUCKETS : 0];
}


/* One call, of the first that waits and those that can go with it. */

ngx_int_t
ngx_http_tollgate_group_send(ngx_http_tollgate_node_t *node,
    ngx_queue_t *bucket)
{
    ngx_uint_t                  gate, accounts;
    ngx_http_tollgate_ask_t    *ask;
    ngx_http_tollgate_call_t   *call;
    ngx_http_tollgate_redis_t  *redis;

    redis = &node->redis;

    ask = ngx_queue_data(ngx_queue_head(bucket), ngx_http_tollgate_ask_t,
                         queue);
    gate = ask->about == NGX_HTTP_TOLLGATE_ASK_GATE;

    if (ask->asking && ngx_http_tollgate_group_asking(redis) != NGX_OK) {
        return NGX_ERROR;
    }

    call = ngx_http_tollgate_redis_call(redis,
                                    gate ? ngx_http_tollgate_answer
                                         : ngx_http_tollgate_foreign_answer,
                                    node);
    if (call == NULL) {
        return NGX_ERROR;
    }

    accounts = ngx_http_tollgate_group_gather(node, bucket, &call->list);

    if (ngx_http_tollgate_group_command(redis, &call->list, accounts)
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
        ngx_http_tollgate_group_format(node->store, call, accounts);

    } else {
        ngx_http_tollgate_foreign_format(call);
    }

    ngx_http_tollgate_redis_expect(call);

    return NGX_OK;
}


/*
 * Moves the first of the bucket and those that can go with it, those of an
 * account behind each other.  Returns how many accounts these are.
 */

static ngx_uint_t
ngx_http_tollgate_group_gather(ngx_http_tollgate_node_t *node,
    ngx_queue_t *bucket, ngx_queue_t *list)
{
    ngx_uint_t                n, accounts;
    ngx_queue_t              *q, *next;
    ngx_http_tollgate_ask_t  *ask, *first;

    first = ngx_queue_data(ngx_queue_head(bucket), ngx_http_tollgate_ask_t,
                           queue);
    n = 0;
    accounts = 0;

    for (q = ngx_queue_head(bucket);
         q != ngx_queue_sentinel(bucket) && n < NGX_HTTP_TOLLGATE_GROUP_MOST;
         q = next)
    {
        next = ngx_queue_next(q);
        ask = ngx_queue_data(q, ngx_http_tollgate_ask_t, queue);

        if (ngx_http_tollgate_group_fits(ask, first)) {
            ngx_queue_remove(q);
            accounts += ngx_http_tollgate_group_insert(list, ask);
            ask->sent = 1;
            node->nasks--;
            n++;
        }
    }

    return accounts;
}


static ngx_uint_t
ngx_http_tollgate_group_fits(ngx_http_tollgate_ask_t *ask,
    ngx_http_tollgate_ask_t *first)
{
    if (ask->timeout != first->timeout || ask->asking != first->asking
        || ask->about != first->about)
    {
        return 0;
    }

    if (ask->about != NGX_HTTP_TOLLGATE_ASK_GATE) {
        return ngx_http_tollgate_ask_same(ask, first)
               && ngx_memcmp(ask->hash, first->hash,
                             NGX_HTTP_TOLLGATE_HASH_LEN) == 0;
    }

    return ask->node->store->server.topology != NGX_HTTP_TOLLGATE_CLUSTER
           || ask->charge.shard == first->charge.shard;
}


/* 1: it is the first one of its account. */

static ngx_uint_t
ngx_http_tollgate_group_insert(ngx_queue_t *list, ngx_http_tollgate_ask_t *ask)
{
    ngx_queue_t  *q;

    for (q = ngx_queue_last(list);
         q != ngx_queue_sentinel(list);
         q = ngx_queue_prev(q))
    {
        if (ngx_http_tollgate_ask_same(ngx_queue_data(q,
                                               ngx_http_tollgate_ask_t, queue),
                                       ask))
        {
            ngx_queue_insert_after(q, &ask->queue);
            return 0;
        }
    }

    ngx_queue_insert_tail(list, &ask->queue);

    return 1;
}


static ngx_int_t
ngx_http_tollgate_group_command(ngx_http_tollgate_redis_t *redis,
    ngx_queue_t *list, ngx_uint_t accounts)
{
    ngx_uint_t                n;
    ngx_queue_t              *q;
    ngx_http_tollgate_ask_t  *ask;

    q = ngx_queue_head(list);
    ask = ngx_queue_data(q, ngx_http_tollgate_ask_t, queue);

    if (ask->about != NGX_HTTP_TOLLGATE_ASK_GATE) {
        return ngx_http_tollgate_redis_command(redis, 2,
                                               NGX_HTTP_TOLLGATE_GROUP_FIRST);
    }

    for (n = 0; q != ngx_queue_sentinel(list); q = ngx_queue_next(q)) {
        n++;
    }

    return ngx_http_tollgate_redis_command(redis,
               NGX_HTTP_TOLLGATE_GROUP_HEAD
               + accounts * NGX_HTTP_TOLLGATE_GROUP_ACCOUNT
               + n * NGX_HTTP_TOLLGATE_GROUP_ARGS,
               (1 + accounts) * NGX_HTTP_TOLLGATE_GROUP_FIRST
               + n * NGX_HTTP_TOLLGATE_GROUP_SIZE);
}


/* The next call alone may touch a slot that is on its way to this server. */

static ngx_int_t
ngx_http_tollgate_group_asking(ngx_http_tollgate_redis_t *redis)
{
    ngx_http_tollgate_call_t  *call;

    call = ngx_http_tollgate_redis_call(redis, ngx_http_tollgate_group_asked,
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
ngx_http_tollgate_group_asked(ngx_http_tollgate_call_t *call,
    ngx_http_tollgate_reply_t *reply)
{
    /* where it is refused, so is the call that follows */

    return NGX_OK;
}


/* Keys of the accounts, then each account with its requests. */

static void
ngx_http_tollgate_group_format(ngx_http_tollgate_store_t *store,
    ngx_http_tollgate_call_t *call, ngx_uint_t accounts)
{
    u_char                      wallet[64], *p;
    ngx_uint_t                  n;
    ngx_queue_t                *q, *next;
    ngx_http_tollgate_ask_t    *ask;
    ngx_http_tollgate_redis_t  *redis;
    ngx_http_tollgate_shard_t  *shard;

    redis = call->redis;

    ngx_http_tollgate_redis_arg_script(redis, NGX_HTTP_TOLLGATE_GATE);
    ngx_http_tollgate_redis_arg_number(redis, 2 * accounts);

    for (q = ngx_queue_head(&call->list);
         q != ngx_queue_sentinel(&call->list);
         q = next)
    {
        ask = ngx_queue_data(q, ngx_http_tollgate_ask_t, queue);
        next = ngx_http_tollgate_group_next(&call->list, q, &n);
        shard = &store->conf->shards[ask->charge.shard];

        p = ngx_cpymem(wallet, shard->wallet.data, shard->wallet.len);
        p = ngx_cpymem(p, ask->charge.account, NGX_HTTP_TOLLGATE_ACCOUNT_LEN);

        ngx_http_tollgate_redis_arg(redis, wallet, p - wallet);
        ngx_http_tollgate_redis_arg(redis, shard->ledger.data,
                                    shard->ledger.len);
    }

    q = ngx_queue_head(&call->list);
    ask = ngx_queue_data(q, ngx_http_tollgate_ask_t, queue);

    ngx_http_tollgate_redis_arg_number(redis,
        ngx_http_tollgate_redis_clock(redis) + (int64_t) ask->timeout * 1000);

    for ( /* void */ ; q != ngx_queue_sentinel(&call->list); q = next) {
        ask = ngx_queue_data(q, ngx_http_tollgate_ask_t, queue);
        next = ngx_http_tollgate_group_next(&call->list, q, &n);
        shard = &store->conf->shards[ask->charge.shard];

        ngx_http_tollgate_redis_arg(redis, ask->charge.account,
                                    NGX_HTTP_TOLLGATE_ACCOUNT_LEN);
        ngx_http_tollgate_redis_arg(redis, shard->plan.data, shard->plan.len);
        ngx_http_tollgate_redis_arg_number(redis, n);

        for ( /* void */ ; q != next; q = ngx_queue_next(q)) {
            ngx_http_tollgate_group_format_request(redis,
                        ngx_queue_data(q, ngx_http_tollgate_ask_t, queue));
        }
    }
}


/* The first question of the account behind that of q, and how many q's has. */

ngx_queue_t *
ngx_http_tollgate_group_next(ngx_queue_t *list, ngx_queue_t *q, ngx_uint_t *n)
{
    ngx_http_tollgate_ask_t  *ask;

    ask = ngx_queue_data(q, ngx_http_tollgate_ask_t, queue);
    *n = 0;

    do {
        q = ngx_queue_next(q);
        (*n)++;

    } while (q != ngx_queue_sentinel(list)
             && ngx_http_tollgate_ask_same(ngx_queue_data(q,
                                               ngx_http_tollgate_ask_t, queue),
                                           ask));

    return q;
}


static void
ngx_http_tollgate_group_format_request(ngx_http_tollgate_redis_t *redis,
    ngx_http_tollgate_ask_t *ask)
{
    ngx_http_tollgate_text_t  *feature, *model;

    feature = &ask->charge.feature;
    model = &ask->charge.model;

    ngx_http_tollgate_redis_arg(redis, ask->charge.request_id.data,
                                ask->charge.request_id.len);
    ngx_http_tollgate_redis_arg(redis, ask->hash, ask->hash_len);
    ngx_http_tollgate_redis_arg(redis,
                                feature->len ? feature->data : (u_char *) "-",
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
