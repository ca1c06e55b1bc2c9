
/*
 * ngx_http_tollgate_batch.c owns the way of usage records to Redis: gathered in
 * chunks, sent as entries of this host's stream.
 *
 * A chunk has a number, and this process a name, so that the worker takes each
 * once: one whose connection died before its reply is sent again, and so are
 * those of the last seconds, for a server that takes over may lack them.
 */


#include "ngx_http_tollgate_metrics.h"
#include "key_names.h"


#define NGX_HTTP_TOLLGATE_BATCH_CHUNK   (32 * 1024)
#define NGX_HTTP_TOLLGATE_BATCH_WAIT    500     /* ms */
#define NGX_HTTP_TOLLGATE_BATCH_KEEP    5000    /* ms, what was acknowledged */


#define ngx_http_tollgate_batch_redis(store)                                  \
    ngx_http_tollgate_store_redis(store, ngx_http_tollgate_route_usage(store))


/* as many chunks as tollgate_usage_buffer has room for, a quarter is kept */

#define ngx_http_tollgate_batch_most(store)                                   \
    ((store)->conf->usage_buffer / NGX_HTTP_TOLLGATE_BATCH_CHUNK)


struct ngx_http_tollgate_chunk_s {
    ngx_queue_t                      queue;
    uint64_t                         no;        /* 0: never sent */
    ngx_msec_t                       at;        /* it was acknowledged */
    ngx_uint_t                       n;         /* records */
    size_t                           len;
    u_char                           data[NGX_HTTP_TOLLGATE_BATCH_CHUNK];
};


static void ngx_http_tollgate_batch_close(ngx_http_tollgate_store_t *store);
static ngx_int_t ngx_http_tollgate_batch_format(
    ngx_http_tollgate_store_t *store, ngx_http_tollgate_redis_t *redis,
    ngx_http_tollgate_chunk_t *chunk);
static void ngx_http_tollgate_batch_resend(ngx_http_tollgate_store_t *store);
static ngx_int_t ngx_http_tollgate_batch_announce(
    ngx_http_tollgate_store_t *store, ngx_http_tollgate_redis_t *redis);
static ngx_int_t ngx_http_tollgate_batch_announced(
    ngx_http_tollgate_call_t *call, ngx_http_tollgate_reply_t *reply);
static ngx_int_t ngx_http_tollgate_batch_reply(ngx_http_tollgate_call_t *call,
    ngx_http_tollgate_reply_t *reply);
static void ngx_http_tollgate_batch_again(ngx_http_tollgate_store_t *store,
    ngx_http_tollgate_chunk_t *chunk);
static void ngx_http_tollgate_batch_keep(ngx_http_tollgate_store_t *store,
    ngx_http_tollgate_chunk_t *chunk);
static void ngx_http_tollgate_batch_forget(ngx_http_tollgate_store_t *store,
    ngx_uint_t most);
static void ngx_http_tollgate_batch_drop(ngx_http_tollgate_store_t *store,
    ngx_uint_t n);
static void ngx_http_tollgate_batch_timer(ngx_event_t *ev);


void
ngx_http_tollgate_batch_init(ngx_http_tollgate_store_t *store,
    ngx_cycle_t *cycle)
{
    u_char  *p;

    ngx_queue_init(&store->chunks);
    ngx_queue_init(&store->kept);

    /* two processes never have the same name, and no process after another */

    p = ngx_sprintf(store->source, "%xd-%xd-%xd", (uint32_t) ngx_time(),
                    (uint32_t) ngx_pid, (uint32_t) ngx_random());
    store->source_len = p - store->source;

    store->usage_timer.handler = ngx_http_tollgate_batch_timer;
    store->usage_timer.data = store;
    store->usage_timer.log = cycle->log;
}


/* Where a line of so many bytes can be written, or NULL: it is lost. */

u_char *
ngx_http_tollgate_batch_line(ngx_http_tollgate_store_t *store, size_t len)
{
    u_char                     *p;
    ngx_http_tollgate_chunk_t  *chunk;

    if (store->chunk != NULL
        && store->chunk->len + 1 + len > NGX_HTTP_TOLLGATE_BATCH_CHUNK)
    {
        ngx_http_tollgate_batch_close(store);
        ngx_http_tollgate_redis_post(ngx_http_tollgate_batch_redis(store));
    }

    if (store->chunk == NULL
        && store->nchunks < ngx_http_tollgate_batch_most(store))
    {
        store->chunk = ngx_alloc(sizeof(ngx_http_tollgate_chunk_t),
                                 store->log);
        if (store->chunk != NULL) {
            ngx_memzero(store->chunk,
                        offsetof(ngx_http_tollgate_chunk_t, data));
        }
    }

    chunk = store->chunk;

    if (chunk == NULL) {
        ngx_http_tollgate_batch_drop(store, 1);
        return NULL;
    }

    p = chunk->data + chunk->len;

    if (chunk->len) {
        *p++ = '\n';
    }

    return p;
}


/* The line ends at p. */

void
ngx_http_tollgate_batch_end(ngx_http_tollgate_store_t *store, u_char *p)
{
    ngx_http_tollgate_chunk_t  *chunk;

    chunk = store->chunk;
    chunk->len = p - chunk->data;
    chunk->n++;

    if (!store->usage_timer.timer_set) {
        ngx_add_timer(&store->usage_timer,
                      ngx_exiting ? 1 : NGX_HTTP_TOLLGATE_BATCH_WAIT);
    }
}


static void
ngx_http_tollgate_batch_close(ngx_http_tollgate_store_t *store)
{
    ngx_queue_insert_tail(&store->chunks, &store->chunk->queue);
    store->nchunks++;
    store->chunk = NULL;
}


void
ngx_http_tollgate_batch_send(ngx_http_tollgate_store_t *store,
    ngx_http_tollgate_redis_t *redis)
{
    ngx_queue_t                *q;
    ngx_http_tollgate_call_t   *call;
    ngx_http_tollgate_chunk_t  *chunk;

    while (!store->paused && !ngx_queue_empty(&store->chunks)
           && ngx_http_tollgate_redis_room(redis))
    {
        ngx_http_tollgate_batch_resend(store);

        q = ngx_queue_head(&store->chunks);
        chunk = ngx_queue_data(q, ngx_http_tollgate_chunk_t, queue);

        call = ngx_http_tollgate_redis_call(redis,
                                            ngx_http_tollgate_batch_reply,
                                            store);
        if (call == NULL) {
            return;
        }

        /* the worker takes numbers that grow, so they are given here */

        if (chunk->no == 0) {
            chunk->no = ++store->last_no;
        }

        if (ngx_http_tollgate_batch_format(store, redis, chunk) != NGX_OK) {
            ngx_http_tollgate_redis_forget(call);
            return;
        }

        ngx_queue_remove(q);
        ngx_queue_insert_tail(&call->list, q);
        ngx_http_tollgate_redis_expect(call);

        if (ngx_http_tollgate_batch_announce(store, redis) != NGX_OK) {
            return;
        }
    }
}


/*
 * Once a connection: what the server before this one acknowledged in its last
 * seconds, ahead of what has no number yet.
 */

static void
ngx_http_tollgate_batch_resend(ngx_http_tollgate_store_t *store)
{
    ngx_queue_t                *q;
    ngx_http_tollgate_chunk_t  *chunk;

    if (store->announced) {
        return;
    }

    store->announced = 1;

    while (!ngx_queue_empty(&store->kept)) {
        q = ngx_queue_last(&store->kept);
        ngx_queue_remove(q);
        store->nkept--;

        chunk = ngx_queue_data(q, ngx_http_tollgate_chunk_t, queue);

        ngx_http_tollgate_batch_again(store, chunk);
        store->nchunks++;
    }
}


static ngx_int_t
ngx_http_tollgate_batch_format(ngx_http_tollgate_store_t *store,
    ngx_http_tollgate_redis_t *redis, ngx_http_tollgate_chunk_t *chunk)
{
    u_char      name[NGX_HTTP_TOLLGATE_SOURCE_LEN + 1 + NGX_INT64_LEN], *p;
    ngx_str_t  *key;

    key = &store->conf->usage_key;
    p = ngx_cpymem(name, store->source, store->source_len);
    p = ngx_sprintf(p, ":%uL", chunk->no);

    if (ngx_http_tollgate_redis_command(redis, 7,
                                        16 + key->len + chunk->len
                                        + sizeof(name))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_http_tollgate_redis_arg(redis, "XADD", 4);
    ngx_http_tollgate_redis_arg(redis, key->data, key->len);
    ngx_http_tollgate_redis_arg(redis, "*", 1);
    ngx_http_tollgate_redis_arg(redis, "s", 1);
    ngx_http_tollgate_redis_arg(redis, name, p - name);
    ngx_http_tollgate_redis_arg(redis, "b", 1);
    ngx_http_tollgate_redis_arg(redis, chunk->data, chunk->len);

    return NGX_OK;
}


/*
 * Settle looks for streams in this set; with each batch, for a Redis that lost
 * its data has lost the set as well.
 */

static ngx_int_t
ngx_http_tollgate_batch_announce(ngx_http_tollgate_store_t *store,
    ngx_http_tollgate_redis_t *redis)
{
    ngx_str_t                 *host;
    ngx_http_tollgate_call_t  *call;

    host = (ngx_str_t *) &ngx_cycle->hostname;

    call = ngx_http_tollgate_redis_call(redis,
                                        ngx_http_tollgate_batch_announced,
                                        store);
    if (call == NULL) {
        return NGX_ERROR;
    }

    if (ngx_http_tollgate_redis_command(redis, 3, 64 + host->len)
        != NGX_OK)
    {
        ngx_http_tollgate_redis_forget(call);
        return NGX_ERROR;
    }

    ngx_http_tollgate_redis_arg(redis, "SADD", 4);
    ngx_http_tollgate_redis_arg(redis, TG_KEY_USAGE_HOSTS,
                                sizeof(TG_KEY_USAGE_HOSTS) - 1);
    ngx_http_tollgate_redis_arg(redis, host->data, host->len);
    ngx_http_tollgate_redis_expect(call);

    return NGX_OK;
}


static ngx_int_t
ngx_http_tollgate_batch_announced(ngx_http_tollgate_call_t *call,
    ngx_http_tollgate_reply_t *reply)
{
    ngx_uint_t  asking;

    if (reply == NULL) {
        return NGX_OK;
    }

    if (reply->type == REDIS_REPLY_ERROR) {
        if (ngx_http_tollgate_store_redirect(call->redis, reply, &asking)
            == NULL)
        {
            ngx_http_tollgate_redis_complain(call->redis, "to name this host",
                                             reply);
        }

        return NGX_OK;
    }

    return reply->type == REDIS_REPLY_INTEGER ? NGX_OK : NGX_ERROR;
}


static ngx_int_t
ngx_http_tollgate_batch_reply(ngx_http_tollgate_call_t *call,
    ngx_http_tollgate_reply_t *reply)
{
    ngx_uint_t                  asking;
    ngx_queue_t                *q;
    ngx_http_tollgate_chunk_t  *chunk;
    ngx_http_tollgate_store_t  *store;

    store = call->data;

    q = ngx_queue_head(&call->list);
    ngx_queue_remove(q);
    chunk = ngx_queue_data(q, ngx_http_tollgate_chunk_t, queue);

    if (reply != NULL && reply->type == REDIS_REPLY_STRING) {
        store->nchunks--;
        ngx_http_tollgate_batch_keep(store, chunk);

        return NGX_OK;
    }

    if (reply == NULL || reply->type != REDIS_REPLY_ERROR) {
        ngx_http_tollgate_batch_again(store, chunk);

        return reply == NULL ? NGX_OK : NGX_ERROR;
    }

    if (ngx_http_tollgate_store_redirect(call->redis, reply, &asking)
        == NULL)
    {
        ngx_http_tollgate_redis_complain(call->redis, "usage records", reply);
    }

    /* Redis has it not: chunks of higher numbers may be there before it */

    chunk->no = 0;
    ngx_http_tollgate_batch_again(store, chunk);
    store->paused = 1;

    if (!store->usage_timer.timer_set) {
        ngx_add_timer(&store->usage_timer, NGX_HTTP_TOLLGATE_BATCH_WAIT);
    }

    return NGX_OK;
}


/* Into the queue, in the order of numbers and ahead of what has none. */

static void
ngx_http_tollgate_batch_again(ngx_http_tollgate_store_t *store,
    ngx_http_tollgate_chunk_t *chunk)
{
    ngx_queue_t                *q;
    ngx_http_tollgate_chunk_t  *other;

    for (q = ngx_queue_head(&store->chunks);
         q != ngx_queue_sentinel(&store->chunks);
         q = ngx_queue_next(q))
    {
        other = ngx_queue_data(q, ngx_http_tollgate_chunk_t, queue);

        if (other->no == 0 || (chunk->no && other->no > chunk->no)) {
            break;
        }
    }

    ngx_queue_insert_tail(q, &chunk->queue);
}


static void
ngx_http_tollgate_batch_keep(ngx_http_tollgate_store_t *store,
    ngx_http_tollgate_chunk_t *chunk)
{
    chunk->at = ngx_current_msec;
    ngx_queue_insert_tail(&store->kept, &chunk->queue);
    store->nkept++;

    ngx_http_tollgate_batch_forget(store,
                                   ngx_http_tollgate_batch_most(store) / 4);
}


/* Frees what was acknowledged long ago, or is more than so many chunks. */

static void
ngx_http_tollgate_batch_forget(ngx_http_tollgate_store_t *store,
    ngx_uint_t most)
{
    ngx_queue_t                *q;
    ngx_http_tollgate_chunk_t  *chunk;

    while (!ngx_queue_empty(&store->kept)) {
        q = ngx_queue_head(&store->kept);
        chunk = ngx_queue_data(q, ngx_http_tollgate_chunk_t, queue);

        if (store->nkept <= most
            && ngx_current_msec - chunk->at < NGX_HTTP_TOLLGATE_BATCH_KEEP)
        {
            return;
        }

        ngx_queue_remove(q);
        store->nkept--;
        ngx_free(chunk);
    }
}


static void
ngx_http_tollgate_batch_drop(ngx_http_tollgate_store_t *store, ngx_uint_t n)
{
    store->dropped += n;
    ngx_http_tollgate_count(dropped, n);

    ngx_http_tollgate_complain(&store->usage_lost, NGX_LOG_ERR,
                               store->log,
                               "%ui usage records lost since this process "
                               "began, for redis \"%V\" didn't take them, "
                               "hint: see why, or make "
                               "\"tollgate_usage_buffer\" larger",
                               store->dropped, &store->server.name);
}


/* Time to send, or to send again.  A leaving process gives up in time. */

static void
ngx_http_tollgate_batch_timer(ngx_event_t *ev)
{
    ngx_http_tollgate_redis_t  *redis;
    ngx_http_tollgate_store_t  *store;

    store = ev->data;
    store->paused = 0;

    /* while others wait it is filled, so that an outage takes little room */

    if (store->chunk != NULL) {
        if (ngx_exiting || ngx_queue_empty(&store->chunks)) {
            ngx_http_tollgate_batch_close(store);

        } else {
            ngx_add_timer(ev, NGX_HTTP_TOLLGATE_BATCH_WAIT);
        }
    }

    redis = ngx_http_tollgate_batch_redis(store);

    ev->cancelable = !ngx_http_tollgate_redis_weigh(redis) && ngx_exiting;
    ngx_http_tollgate_redis_post(redis);
}


ngx_uint_t
ngx_http_tollgate_batch_owes(ngx_http_tollgate_store_t *store)
{
    return store->nchunks + (store->chunk != NULL);
}


void
ngx_http_tollgate_batch_exit(ngx_http_tollgate_store_t *store)
{
    ngx_uint_t                  n;
    ngx_queue_t                *q;
    ngx_http_tollgate_chunk_t  *chunk;

    if (store->chunk != NULL) {
        ngx_http_tollgate_batch_close(store);
    }

    n = 0;

    while (!ngx_queue_empty(&store->chunks)) {
        q = ngx_queue_head(&store->chunks);
        ngx_queue_remove(q);

        chunk = ngx_queue_data(q, ngx_http_tollgate_chunk_t, queue);
        n += chunk->n;
        ngx_free(chunk);
    }

    ngx_http_tollgate_batch_forget(store, 0);

    store->usage_lost.at = 0;

    if (n) {
        ngx_http_tollgate_batch_drop(store, n);
    }

    if (store->usage_timer.timer_set) {
        ngx_del_timer(&store->usage_timer);
    }
}
