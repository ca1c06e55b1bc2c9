
/*
 * ngx_http_tollgate_usage.c owns usage records: a line a decided request,
 * gathered in memory and sent to the stream of this host in batches.
 *
 * A batch is sent again only where Redis is known not to have it; one that is
 * lost with its connection is not, for a record must not count twice.
 */


#include "ngx_http_tollgate_meter.h"
#include "ngx_http_tollgate_metrics.h"
#include "ngx_http_tollgate_link.h"
#include "key_names.h"


#define NGX_HTTP_TOLLGATE_USAGE_CHUNK   (32 * 1024)
#define NGX_HTTP_TOLLGATE_USAGE_WAIT    500     /* ms */


#define ngx_http_tollgate_usage_redis(store)                                  \
    ngx_http_tollgate_store_redis(store, ngx_http_tollgate_route_usage(store))


/* fields: eleven of at most 128 bytes, twenty-one numbers, tabs */

#define NGX_HTTP_TOLLGATE_USAGE_LINE    (11 * 128 + 21 * NGX_INT64_LEN + 34)


struct ngx_http_tollgate_chunk_s {
    ngx_queue_t                      queue;
    ngx_uint_t                       n;         /* records */
    size_t                           len;
    u_char                           data[NGX_HTTP_TOLLGATE_USAGE_CHUNK];
};


static u_char *ngx_http_tollgate_usage_line(u_char *p, ngx_http_request_t *r,
    ngx_http_tollgate_ctx_t *ctx);
static u_char *ngx_http_tollgate_usage_key(u_char *p,
    ngx_http_tollgate_ctx_t *ctx);
static u_char *ngx_http_tollgate_usage_decision(u_char *p,
    ngx_http_tollgate_ctx_t *ctx);
static u_char *ngx_http_tollgate_usage_tokens(u_char *p,
    ngx_http_tollgate_ctx_t *ctx);
static u_char *ngx_http_tollgate_usage_text(u_char *p, u_char *data,
    size_t len);
static ngx_int_t ngx_http_tollgate_usage_room(
    ngx_http_tollgate_store_t *store);
static void ngx_http_tollgate_usage_close(ngx_http_tollgate_store_t *store);
static ngx_int_t ngx_http_tollgate_usage_announce(
    ngx_http_tollgate_store_t *store, ngx_http_tollgate_redis_t *redis);
static ngx_int_t ngx_http_tollgate_usage_reply(ngx_http_tollgate_call_t *call,
    ngx_http_tollgate_reply_t *reply);
static ngx_int_t ngx_http_tollgate_usage_announced(
    ngx_http_tollgate_call_t *call, ngx_http_tollgate_reply_t *reply);
static void ngx_http_tollgate_usage_drop(ngx_http_tollgate_store_t *store,
    ngx_uint_t n);
static void ngx_http_tollgate_usage_timer(ngx_event_t *ev);


void
ngx_http_tollgate_usage(ngx_http_request_t *r, ngx_http_tollgate_ctx_t *ctx)
{
    u_char                     *p;
    ngx_http_tollgate_chunk_t  *chunk;
    ngx_http_tollgate_store_t  *store;

    store = ctx->conf->store;

    ngx_http_tollgate_count(records, 1);

    if (ngx_http_tollgate_usage_room(store) != NGX_OK) {
        ngx_http_tollgate_usage_drop(store, 1);
        return;
    }

    chunk = store->chunk;
    p = chunk->data + chunk->len;

    if (chunk->len) {
        *p++ = '\n';
    }

    p = ngx_http_tollgate_usage_line(p, r, ctx);

    chunk->len = p - chunk->data;
    chunk->n++;

    if (!store->usage_timer.timer_set) {
        ngx_add_timer(&store->usage_timer,
                      ngx_exiting ? 1 : NGX_HTTP_TOLLGATE_USAGE_WAIT);
    }
}


/* The order is that of USAGE_FIELD and USAGE_LATER in redis/event_fields.h. */

static u_char *
ngx_http_tollgate_usage_line(u_char *p, ngx_http_request_t *r,
    ngx_http_tollgate_ctx_t *ctx)
{
    ngx_str_t                   *code;
    ngx_msec_int_t               ms;
    ngx_time_t                  *tp;
    ngx_http_tollgate_charge_t  *charge;

    tp = ngx_timeofday();
    charge = &ctx->charge;
    code = &ngx_http_tollgate_verdicts[ctx->verdict].code;

    ms = (ngx_msec_int_t) ((tp->sec - r->start_sec) * 1000
                           + (tp->msec - r->start_msec));

    p = ngx_sprintf(p, "%L", (int64_t) tp->sec * 1000 + tp->msec);
    p = ngx_http_tollgate_usage_text(p, charge->request_id.data,
                                     charge->request_id.len);

    /* anyone can write an account into a key that doesn't exist */

    p = ngx_http_tollgate_usage_text(p, charge->account,
                                     charge->key.len
                                     ? NGX_HTTP_TOLLGATE_ACCOUNT_LEN : 0);
    p = ngx_http_tollgate_usage_text(p, charge->app.data, charge->app.len);
    p = ngx_http_tollgate_usage_key(p, ctx);
    p = ngx_http_tollgate_usage_text(p, ctx->user.data, ctx->user.len);
    p = ngx_http_tollgate_usage_text(p, charge->feature.data,
                                     charge->feature.len);
    p = ngx_http_tollgate_usage_text(p, charge->model.data,
                                     charge->model.len);
    p = ngx_http_tollgate_usage_text(p, code->data, code->len);

    p = ngx_sprintf(p, "\t%ui\t%L\t%L\t%d\t%M\t%O\t%O\t%d",
                    r->headers_out.status, charge->credits, charge->units,
                    (int) ctx->refunded, (ngx_msec_t) ngx_max(ms, 0),
                    r->request_length, r->connection->sent,
                    (int) ctx->dry_run);

    return ngx_http_tollgate_usage_decision(p, ctx);
}


/* The worker finds out whose key it was that Redis was not asked about. */

static u_char *
ngx_http_tollgate_usage_key(u_char *p, ngx_http_tollgate_ctx_t *ctx)
{
    if (!ctx->outage || !ctx->hashed) {
        return ngx_http_tollgate_usage_text(p, ctx->charge.key.data,
                                            ctx->charge.key.len);
    }

    p = ngx_cpymem(p, "\tsha256:", sizeof("\tsha256:") - 1);

    return ngx_cpymem(p, ctx->hash, NGX_HTTP_TOLLGATE_HASH_LEN);
}


/* What "tollgate explain" needs to say why it was decided so. */

static u_char *
ngx_http_tollgate_usage_decision(u_char *p, ngx_http_tollgate_ctx_t *ctx)
{
    size_t      len;
    ngx_str_t  *limit;

    limit = ngx_http_tollgate_verdict_limit_name(ctx);
    len = ngx_min(ctx->plan.len, NGX_HTTP_TOLLGATE_CODE_LEN);

    p = ngx_sprintf(p, "\t%L\t%L\t%L", ctx->cost,
                    ctx->cost_units, ngx_http_tollgate_verdict_avail(ctx));
    p = ngx_http_tollgate_usage_text(p, limit ? limit->data : NULL,
                                     limit ? limit->len : 0);
    p = ngx_sprintf(p, "\t%L\t%L\t%ui",
                    ngx_http_tollgate_verdict_left(ctx,
                                                   NGX_HTTP_TOLLGATE_DAY),
                    ngx_http_tollgate_verdict_left(ctx,
                                                   NGX_HTTP_TOLLGATE_MONTH),
                    ctx->tier);
    p = ngx_http_tollgate_usage_text(p, ctx->plan.data, len);

    p = ngx_sprintf(p, "\t%L\t%L", ngx_max(ctx->wait_ms, 0), ctx->store_us);

    p = ngx_http_tollgate_usage_text(p, ctx->label.data, ctx->label.len);

    p = ngx_http_tollgate_usage_tokens(p, ctx);

    return ngx_sprintf(p, "\t%ui", ngx_http_tollgate_link_counts(ctx));
}


static u_char *
ngx_http_tollgate_usage_tokens(u_char *p, ngx_http_tollgate_ctx_t *ctx)
{
    ngx_http_tollgate_meter_tokens_t  tokens;

    if (ctx->meter == NULL
        || ngx_http_tollgate_meter_found(ctx, &tokens)
           > NGX_HTTP_TOLLGATE_METER_BY_STATUS)
    {
        return ngx_cpymem(p, "\t-1\t-1\t-1", sizeof("\t-1\t-1\t-1") - 1);
    }

    return ngx_sprintf(p, "\t%L\t%L\t%L", tokens.input, tokens.cached,
                       tokens.output);
}


static u_char *
ngx_http_tollgate_usage_text(u_char *p, u_char *data, size_t len)
{
    *p++ = '\t';

    if (len == 0) {
        *p++ = '-';
        return p;
    }

    return ngx_cpymem(p, data, len);
}


/* NGX_OK: store->chunk has room for a line. */

static ngx_int_t
ngx_http_tollgate_usage_room(ngx_http_tollgate_store_t *store)
{
    if (store->chunk != NULL
        && store->chunk->len + 1 + NGX_HTTP_TOLLGATE_USAGE_LINE
           > NGX_HTTP_TOLLGATE_USAGE_CHUNK)
    {
        ngx_http_tollgate_usage_close(store);
        ngx_http_tollgate_redis_post(ngx_http_tollgate_usage_redis(store));
    }

    if (store->chunk != NULL) {
        return NGX_OK;
    }

    if ((store->nchunks + 1) * NGX_HTTP_TOLLGATE_USAGE_CHUNK
        > store->conf->usage_buffer)
    {
        return NGX_ERROR;
    }

    store->chunk = ngx_alloc(sizeof(ngx_http_tollgate_chunk_t),
                             store->log);
    if (store->chunk == NULL) {
        return NGX_ERROR;
    }

    store->chunk->n = 0;
    store->chunk->len = 0;

    return NGX_OK;
}


static void
ngx_http_tollgate_usage_close(ngx_http_tollgate_store_t *store)
{
    ngx_queue_insert_tail(&store->chunks, &store->chunk->queue);
    store->nchunks++;
    store->chunk = NULL;
}


void
ngx_http_tollgate_usage_send(ngx_http_tollgate_store_t *store,
    ngx_http_tollgate_redis_t *redis)
{
    ngx_str_t                  *key;
    ngx_queue_t                *q;
    ngx_http_tollgate_call_t   *call;
    ngx_http_tollgate_chunk_t  *chunk;

    key = &store->conf->usage_key;

    while (!store->paused && !ngx_queue_empty(&store->chunks)
           && ngx_http_tollgate_redis_room(redis))
    {
        if (ngx_http_tollgate_usage_announce(store, redis) != NGX_OK) {
            return;
        }

        q = ngx_queue_head(&store->chunks);
        chunk = ngx_queue_data(q, ngx_http_tollgate_chunk_t, queue);

        call = ngx_http_tollgate_redis_call(redis,
                                            ngx_http_tollgate_usage_reply,
                                            store);
        if (call == NULL) {
            return;
        }

        if (ngx_http_tollgate_redis_command(redis, 5,
                                            16 + key->len + chunk->len)
            != NGX_OK)
        {
            ngx_http_tollgate_redis_forget(call);
            return;
        }

        ngx_http_tollgate_redis_arg(redis, "XADD", 4);
        ngx_http_tollgate_redis_arg(redis, key->data, key->len);
        ngx_http_tollgate_redis_arg(redis, "*", 1);
        ngx_http_tollgate_redis_arg(redis, "b", 1);
        ngx_http_tollgate_redis_arg(redis, chunk->data, chunk->len);

        ngx_queue_remove(q);
        ngx_queue_insert_tail(&call->list, q);
        ngx_http_tollgate_redis_expect(call);
    }
}


/* Once a connection: settle looks for streams in this set. */

static ngx_int_t
ngx_http_tollgate_usage_announce(ngx_http_tollgate_store_t *store,
    ngx_http_tollgate_redis_t *redis)
{
    ngx_str_t                 *host;
    ngx_http_tollgate_call_t  *call;

    if (store->announced) {
        return NGX_OK;
    }

    host = (ngx_str_t *) &ngx_cycle->hostname;

    call = ngx_http_tollgate_redis_call(redis,
                                        ngx_http_tollgate_usage_announced,
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

    store->announced = 1;

    return NGX_OK;
}


static ngx_int_t
ngx_http_tollgate_usage_announced(ngx_http_tollgate_call_t *call,
    ngx_http_tollgate_reply_t *reply)
{
    ngx_uint_t                  asking;
    ngx_http_tollgate_store_t  *store;

    store = call->data;

    if (reply == NULL) {
        return NGX_OK;
    }

    if (reply->type == REDIS_REPLY_ERROR) {
        store->announced = 0;

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
ngx_http_tollgate_usage_reply(ngx_http_tollgate_call_t *call,
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

    if (reply != NULL && reply->type == REDIS_REPLY_ERROR) {
        if (ngx_http_tollgate_store_redirect(call->redis, reply, &asking)
            == NULL)
        {
            ngx_http_tollgate_redis_complain(call->redis, "usage records",
                                             reply);
        }

        ngx_queue_insert_head(&store->chunks, q);
        store->paused = 1;

        if (!store->usage_timer.timer_set) {
            ngx_add_timer(&store->usage_timer, NGX_HTTP_TOLLGATE_USAGE_WAIT);
        }

        return NGX_OK;
    }

    if (reply == NULL) {
        ngx_http_tollgate_usage_drop(store, chunk->n);
    }

    store->nchunks--;
    ngx_free(chunk);

    return reply == NULL || reply->type == REDIS_REPLY_STRING ? NGX_OK
                                                              : NGX_ERROR;
}


static void
ngx_http_tollgate_usage_drop(ngx_http_tollgate_store_t *store, ngx_uint_t n)
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
ngx_http_tollgate_usage_timer(ngx_event_t *ev)
{
    ngx_http_tollgate_redis_t  *redis;
    ngx_http_tollgate_store_t  *store;

    store = ev->data;
    store->paused = 0;

    /* while others wait it is filled, so that an outage takes little room */

    if (store->chunk != NULL) {
        if (ngx_exiting || ngx_queue_empty(&store->chunks)) {
            ngx_http_tollgate_usage_close(store);

        } else {
            ngx_add_timer(ev, NGX_HTTP_TOLLGATE_USAGE_WAIT);
        }
    }

    redis = ngx_http_tollgate_usage_redis(store);

    ev->cancelable = !ngx_http_tollgate_redis_weigh(redis) && ngx_exiting;
    ngx_http_tollgate_redis_post(redis);
}


ngx_uint_t
ngx_http_tollgate_usage_owes(ngx_http_tollgate_store_t *store)
{
    return store->nchunks + (store->chunk != NULL);
}


void
ngx_http_tollgate_usage_init(ngx_http_tollgate_store_t *store,
    ngx_cycle_t *cycle)
{
    ngx_queue_init(&store->chunks);

    store->usage_timer.handler = ngx_http_tollgate_usage_timer;
    store->usage_timer.data = store;
    store->usage_timer.log = cycle->log;
}


void
ngx_http_tollgate_usage_exit(ngx_http_tollgate_store_t *store)
{
    ngx_uint_t                  n;
    ngx_queue_t                *q;
    ngx_http_tollgate_chunk_t  *chunk;

    if (store->chunk != NULL) {
        ngx_http_tollgate_usage_close(store);
    }

    n = 0;

    while (!ngx_queue_empty(&store->chunks)) {
        q = ngx_queue_head(&store->chunks);
        ngx_queue_remove(q);

        chunk = ngx_queue_data(q, ngx_http_tollgate_chunk_t, queue);
        n += chunk->n;
        ngx_free(chunk);
    }

    store->usage_lost.at = 0;

    if (n) {
        ngx_http_tollgate_usage_drop(store, n);
    }

    if (store->usage_timer.timer_set) {
        ngx_del_timer(&store->usage_timer);
    }
}
