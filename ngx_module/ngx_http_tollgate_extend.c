
/*
 * ngx_http_tollgate_extend.c owns that a hold lasts as long as its request,
 * and grows with a metered response; and when such a response is to be cut.
 */


#include "ngx_http_tollgate_hold.h"
#include "ngx_http_tollgate_meter.h"


#define NGX_HTTP_TOLLGATE_EXTEND_SIZE     512   /* of the arguments */

/* answers of extend.lua */

#define NGX_HTTP_TOLLGATE_EXTEND_NONE     0     /* there is no such hold */
#define NGX_HTTP_TOLLGATE_EXTEND_DONE     1
#define NGX_HTTP_TOLLGATE_EXTEND_REFUSED  2


static void ngx_http_tollgate_extend_time(ngx_event_t *ev);
static int64_t ngx_http_tollgate_extend_left(ngx_http_tollgate_ctx_t *ctx);
static void ngx_http_tollgate_extend_cut(ngx_http_tollgate_ctx_t *ctx,
    int64_t left);
static void ngx_http_tollgate_extend_ask(ngx_http_tollgate_ctx_t *ctx,
    int64_t credits);
static ngx_int_t ngx_http_tollgate_extend_format(
    ngx_http_tollgate_node_t *node, ngx_http_tollgate_charge_t *charge,
    int64_t credits);
static ngx_int_t ngx_http_tollgate_extend_answer(
    ngx_http_tollgate_call_t *call, ngx_http_tollgate_reply_t *reply);
static ngx_int_t ngx_http_tollgate_extend_error(
    ngx_http_tollgate_node_t *node, ngx_http_tollgate_ctx_t *ctx,
    ngx_http_tollgate_reply_t *reply);


static ngx_http_tollgate_complaint_t  ngx_http_tollgate_extend_refusals;
static ngx_http_tollgate_complaint_t  ngx_http_tollgate_extend_cuts;


void
ngx_http_tollgate_extend_start(ngx_http_tollgate_ctx_t *ctx)
{
    if (ctx->dry_run || ctx->verdict != NGX_HTTP_TOLLGATE_PASS
        || !ngx_http_tollgate_charge_held(&ctx->charge))
    {
        return;
    }

    ctx->hold.handler = ngx_http_tollgate_extend_time;
    ctx->hold.data = ctx;
    ctx->hold.log = ctx->conf->store->log;

    ngx_add_timer(&ctx->hold, ctx->charge.hold_ms / 3);
}


void
ngx_http_tollgate_extend_leave(ngx_http_tollgate_ctx_t *ctx)
{
    if (ctx->hold.timer_set) {
        ngx_del_timer(&ctx->hold);
    }

    if (ctx->extending != NULL) {
        ctx->extending->data = NULL;
        ctx->extending = NULL;
    }
}


/*
 * Three times while it would last, so that one of them may be lost.  What was
 * refused is asked for again: the account may have credits by now.
 */

static void
ngx_http_tollgate_extend_time(ngx_event_t *ev)
{
    int64_t                   extend;
    ngx_http_tollgate_ctx_t  *ctx;

    ctx = ev->data;

    if (ctx->meter != NULL && ctx->meter->cut && !ctx->meter->whole) {
        ngx_http_tollgate_meter_close(ctx);
        return;
    }

    ngx_add_timer(ev, ctx->charge.hold_ms / 3);

    if (ctx->extending != NULL) {
        return;
    }

    extend = ctx->conf->hold->extend;

    ctx->stuck = 0;
    ctx->unheld = 0;

    ngx_http_tollgate_extend_ask(ctx,
                                 ngx_http_tollgate_extend_left(ctx)
                                 < extend / 2 ? extend : 0);
}


/*
 * Of what is held; as much as there can be where there is nothing to extend.
 */

static int64_t
ngx_http_tollgate_extend_left(ngx_http_tollgate_ctx_t *ctx)
{
    int64_t  so_far;

    if (!ctx->conf->hold->extend || ctx->meter == NULL || ctx->meter->whole
        || ctx->meter->cut)
    {
        return NGX_HTTP_TOLLGATE_MAX;
    }

    so_far = ngx_http_tollgate_meter_so_far(ctx);

    return so_far < 0 ? NGX_HTTP_TOLLGATE_MAX
                      : ctx->charge.credits + ctx->more - so_far;
}


/* One question at a time; the response goes on meanwhile. */

void
ngx_http_tollgate_extend(ngx_http_tollgate_ctx_t *ctx)
{
    int64_t  left;

    if (!ctx->hold.timer_set || ctx->extending != NULL) {
        return;
    }

    left = ngx_http_tollgate_extend_left(ctx);

    if (left >= ctx->conf->hold->extend / 2) {
        return;
    }

    if (!ctx->stuck) {
        ngx_http_tollgate_extend_ask(ctx, ctx->conf->hold->extend);
    }

    if (ctx->stuck && ctx->conf->hold->cutoff) {
        ngx_http_tollgate_extend_cut(ctx, left);
    }
}


/*
 * A refusal cuts it, unless it has told its usage, and that is held.  Where
 * Redis doesn't answer it may come to as much more as would have been held.
 */

static void
ngx_http_tollgate_extend_cut(ngx_http_tollgate_ctx_t *ctx, int64_t left)
{
    ngx_http_tollgate_meter_tokens_t  tokens;

    if (ctx->unheld ? left >= 0
                      && ngx_http_tollgate_meter_found(ctx, &tokens)
                         == NGX_HTTP_TOLLGATE_METER_BY_USAGE
                    : left >= -ctx->conf->hold->extend)
    {
        return;
    }

    ngx_http_tollgate_complain(&ngx_http_tollgate_extend_cuts, NGX_LOG_WARN,
                               ctx->conf->store->log,
                               "the response to request %*s is cut, no more "
                               "credits can be held for it",
                               (size_t) ctx->charge.request_id.len,
                               ctx->charge.request_id.data);

    ctx->meter->cut = 1;

    ngx_add_timer(&ctx->hold, 1);
}


static void
ngx_http_tollgate_extend_ask(ngx_http_tollgate_ctx_t *ctx, int64_t credits)
{
    ngx_http_tollgate_call_t  *call;
    ngx_http_tollgate_node_t  *node;

    node = ctx->conf->store->routes[ctx->charge.shard].node;

    /* until Redis has answered well */

    ctx->stuck = 1;

    if (!ngx_http_tollgate_redis_room(&node->redis)) {
        return;
    }

    call = ngx_http_tollgate_redis_call(&node->redis,
                                        ngx_http_tollgate_extend_answer, ctx);
    if (call == NULL) {
        return;
    }

    if (ngx_http_tollgate_extend_format(node, &ctx->charge, credits)
        != NGX_OK)
    {
        ngx_http_tollgate_redis_forget(call);
        return;
    }

    ctx->stuck = 0;
    ctx->extending = call;
    ctx->asked = credits;

    ngx_http_tollgate_redis_expect(call);
    ngx_http_tollgate_redis_post(&node->redis);
}


static ngx_int_t
ngx_http_tollgate_extend_format(ngx_http_tollgate_node_t *node,
    ngx_http_tollgate_charge_t *charge, int64_t credits)
{
    u_char                      wallet[64], *w;
    ngx_http_tollgate_redis_t  *redis;
    ngx_http_tollgate_shard_t  *shard;

    redis = &node->redis;
    shard = &node->store->conf->shards[charge->shard];

    if (ngx_http_tollgate_redis_command(redis, 11,
                                        NGX_HTTP_TOLLGATE_EXTEND_SIZE)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    w = ngx_cpymem(wallet, shard->wallet.data, shard->wallet.len);
    w = ngx_cpymem(w, charge->account, NGX_HTTP_TOLLGATE_ACCOUNT_LEN);

    ngx_http_tollgate_redis_arg_script(redis, NGX_HTTP_TOLLGATE_EXTEND);
    ngx_http_tollgate_redis_arg(redis, "3", 1);
    ngx_http_tollgate_redis_arg(redis, wallet, w - wallet);
    ngx_http_tollgate_redis_arg(redis, shard->ledger.data, shard->ledger.len);
    ngx_http_tollgate_redis_arg(redis, shard->holds.data, shard->holds.len);
    ngx_http_tollgate_redis_arg(redis, charge->account,
                                NGX_HTTP_TOLLGATE_ACCOUNT_LEN);
    ngx_http_tollgate_redis_arg(redis, charge->request_id.data,
                                charge->request_id.len);
    ngx_http_tollgate_redis_arg_number(redis, charge->epoch);
    ngx_http_tollgate_redis_arg_number(redis, charge->hold_ms);
    ngx_http_tollgate_redis_arg_number(redis, credits);

    return NGX_OK;
}


/*
 * What went wrong is tried again with the next third of its time.  Where an
 * answer is lost more may be held than we know of, which returns in the end.
 */

static ngx_int_t
ngx_http_tollgate_extend_answer(ngx_http_tollgate_call_t *call,
    ngx_http_tollgate_reply_t *reply)
{
    int64_t                    answer;
    ngx_http_tollgate_ctx_t   *ctx;
    ngx_http_tollgate_node_t  *node;

    ctx = call->data;
    node = (ngx_http_tollgate_node_t *) call->redis;

    if (ctx != NULL) {
        ctx->extending = NULL;
        ctx->stuck = 1;
    }

    if (reply == NULL) {
        return NGX_OK;
    }

    if (reply->type == REDIS_REPLY_ERROR) {
        return ngx_http_tollgate_extend_error(node, ctx, reply);
    }

    if (reply->type != REDIS_REPLY_INTEGER) {
        return NGX_ERROR;
    }

    if (ctx == NULL) {
        return NGX_OK;
    }

    answer = reply->value[0].integer;

    if (answer == NGX_HTTP_TOLLGATE_EXTEND_DONE) {
        ctx->more += ctx->asked;
        ctx->stuck = 0;

    } else if (answer == NGX_HTTP_TOLLGATE_EXTEND_NONE
               || answer == NGX_HTTP_TOLLGATE_EXTEND_REFUSED)
    {
        ctx->unheld = 1;
    }

    if (ctx->unheld && ctx->asked) {
        ngx_http_tollgate_complain(&ngx_http_tollgate_extend_refusals,
                                   NGX_LOG_INFO, ctx->conf->store->log,
                                   "no more credits can be held for request "
                                   "%*s", (size_t) ctx->charge.request_id.len,
                                   ctx->charge.request_id.data);
    }

    ngx_http_tollgate_extend(ctx);

    return NGX_OK;
}


/* Scripts that are loaded anew, and another server, may be asked at once. */

static ngx_int_t
ngx_http_tollgate_extend_error(ngx_http_tollgate_node_t *node,
    ngx_http_tollgate_ctx_t *ctx, ngx_http_tollgate_reply_t *reply)
{
    ngx_uint_t  asking;

    if (ctx != NULL) {
        ctx->stuck = 0;
    }

    if (ngx_http_tollgate_redis_noscript(reply)) {
        return ngx_http_tollgate_redis_load(&node->redis);
    }

    if (ngx_http_tollgate_store_redirect(&node->redis, reply, &asking) == NULL)
    {
        ngx_http_tollgate_redis_complain(&node->redis, "to extend a hold",
                                         reply);
        if (ctx != NULL) {
            ctx->stuck = 1;
        }
    }

    return NGX_OK;
}
