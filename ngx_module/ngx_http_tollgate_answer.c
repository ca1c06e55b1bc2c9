
/*
 * ngx_http_tollgate_answer.c owns the answers of gate.lua: it hands them out
 * to the requests that wait, sends questions elsewhere that were put to the
 * wrong server, and gives back what nobody waits for any more.
 */


#include "ngx_http_tollgate_metrics.h"


static ngx_int_t ngx_http_tollgate_answer_check(
    ngx_http_tollgate_call_t *call, ngx_http_tollgate_reply_t *reply);
static ngx_http_tollgate_value_t *ngx_http_tollgate_answer_account(
    ngx_http_tollgate_call_t *call, ngx_uint_t n,
    ngx_http_tollgate_value_t *v);
static void ngx_http_tollgate_answer_fault(ngx_http_tollgate_call_t *call,
    ngx_queue_t *last, ngx_http_tollgate_value_t *v);
static void ngx_http_tollgate_answer_late(ngx_http_tollgate_ask_t *ask,
    ngx_http_tollgate_value_t *v);
static void ngx_http_tollgate_answer_lost(ngx_http_tollgate_call_t *call);


ngx_int_t
ngx_http_tollgate_answer(ngx_http_tollgate_call_t *call,
    ngx_http_tollgate_reply_t *reply)
{
    ngx_uint_t                  n;
    ngx_queue_t                *last;
    ngx_http_tollgate_value_t  *v;

    if (reply == NULL) {
        ngx_http_tollgate_answer_lost(call);
        return NGX_OK;
    }

    if (reply->type == REDIS_REPLY_ERROR) {
        ngx_http_tollgate_answer_error(call, reply, "to decide");
        return NGX_OK;
    }

    if (ngx_http_tollgate_answer_check(call, reply) != NGX_OK) {
        ngx_http_tollgate_answer_lost(call);
        return NGX_ERROR;
    }

    v = reply->value;

    ngx_http_tollgate_redis_heard(call->redis, v[0].integer);

    for (v++; !ngx_queue_empty(&call->list); /* void */ ) {
        last = ngx_queue_prev(ngx_http_tollgate_group_next(&call->list,
                                        ngx_queue_head(&call->list), &n));

        if (v[0].type == REDIS_REPLY_STRING) {
            ngx_http_tollgate_answer_fault(call, last, v++);
            continue;
        }

        v = ngx_http_tollgate_answer_account(call, n, v);

        if (v == NULL) {
            ngx_http_tollgate_answer_lost(call);
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/*
 * Whether there is a time and then, for each account, an epoch and answers, or
 * the text of an error.
 */

static ngx_int_t
ngx_http_tollgate_answer_check(ngx_http_tollgate_call_t *call,
    ngx_http_tollgate_reply_t *reply)
{
    ngx_uint_t                  n, width;
    ngx_queue_t                *q;
    ngx_http_tollgate_value_t  *v, *last;

    v = reply->value;
    last = v + reply->n;

    if (reply->type != REDIS_REPLY_ARRAY || v == last
        || v[0].type != REDIS_REPLY_INTEGER)
    {
        return NGX_ERROR;
    }

    v++;

    for (q = ngx_queue_head(&call->list);
         q != ngx_queue_sentinel(&call->list);
         /* void */ )
    {
        q = ngx_http_tollgate_group_next(&call->list, q, &n);

        if (v == last
            || (v[0].type != REDIS_REPLY_INTEGER
                && v[0].type != REDIS_REPLY_STRING))
        {
            return NGX_ERROR;
        }

        if ((v++)->type == REDIS_REPLY_STRING) {
            continue;
        }

        while (n--) {
            width = ngx_http_tollgate_verdict_width(v, last - v);

            if (width == 0) {
                return NGX_ERROR;
            }

            v += width;
        }
    }

    return v == last ? NGX_OK : NGX_ERROR;
}


/*
 * Hands out the answers to the first n requests, those of an account.  Returns
 * what is behind them, or NULL where one of them is no decision.
 */

static ngx_http_tollgate_value_t *
ngx_http_tollgate_answer_account(ngx_http_tollgate_call_t *call, ngx_uint_t n,
    ngx_http_tollgate_value_t *v)
{
    int64_t                     epoch;
    ngx_http_tollgate_ask_t    *ask;
    ngx_http_tollgate_ctx_t    *ctx;
    ngx_http_tollgate_value_t  *next;

    epoch = (v++)->integer;

    for ( /* void */ ; n; n--, v = next) {
        ask = ngx_http_tollgate_ask_head(&call->list);
        ask->charge.epoch = epoch;
        ctx = ask->ctx;
        next = v + ngx_http_tollgate_verdict_width(v, NGX_MAX_INT32_VALUE);

        if (ctx == NULL) {
            ngx_http_tollgate_answer_late(ask, v);
            ngx_http_tollgate_ask_free(ask);
            continue;
        }

        if (ngx_http_tollgate_verdict_read(ctx, ask, v) != NGX_OK) {
            ngx_queue_insert_head(&call->list, &ask->queue);
            return NULL;
        }

        if (ask->asking && ctx->verdict == NGX_HTTP_TOLLGATE_STORE_UNREACHABLE)
        {
            /* the wallet has moved there, the copy of the plan not yet */

            ask->asking = 0;
            ngx_http_tollgate_ask_put(ask, &ask->node->store->limbo);
            continue;
        }

        ngx_http_tollgate_ask_leave(ctx);
        ngx_http_tollgate_ask_free(ask);
        ngx_http_tollgate_resume(ctx);
    }

    return v;
}


/* For the requests up to last it is as if their call had ended so. */

static void
ngx_http_tollgate_answer_fault(ngx_http_tollgate_call_t *call,
    ngx_queue_t *last, ngx_http_tollgate_value_t *v)
{
    ngx_queue_t                rest;
    ngx_http_tollgate_reply_t  error;

    ngx_queue_init(&rest);

    if (last != ngx_queue_last(&call->list)) {
        ngx_queue_split(&call->list, ngx_queue_next(last), &rest);
    }

    error.type = REDIS_REPLY_ERROR;
    error.n = 1;
    error.value = v;

    ngx_http_tollgate_answer_error(call, &error, "to decide");

    if (!ngx_queue_empty(&rest)) {
        ngx_queue_add(&call->list, &rest);
    }
}


/*
 * An error reply: the script did not run, or stopped before it wrote anything
 * of the accounts of these requests.
 */

void
ngx_http_tollgate_answer_error(ngx_http_tollgate_call_t *call,
    ngx_http_tollgate_reply_t *reply, const char *what)
{
    ngx_uint_t                 asking;
    ngx_http_tollgate_ask_t   *ask;
    ngx_http_tollgate_node_t  *node, *to;

    node = call->data;
    to = ngx_http_tollgate_store_redirect(&node->redis, reply, &asking);

    if (to == NULL && ngx_http_tollgate_redis_noscript(reply)
        && ngx_http_tollgate_redis_load(&node->redis) == NGX_OK)
    {
        to = node;
    }

    if (to == NULL) {
        ngx_http_tollgate_redis_complain(&node->redis, what, reply);
    }

    while (!ngx_queue_empty(&call->list)) {
        ask = ngx_http_tollgate_ask_head(&call->list);

        if (to == NULL || ask->ctx == NULL || (to == node && ask->again)) {
            ngx_http_tollgate_ask_end(ask);
            continue;
        }

        ask->again = to == node;
        ask->asking = asking;
        ngx_http_tollgate_ask_put(ask, to);
    }
}


/* An answer that nobody waits for: the client got nothing for its credits. */

static void
ngx_http_tollgate_answer_late(ngx_http_tollgate_ask_t *ask,
    ngx_http_tollgate_value_t *v)
{
    ngx_http_tollgate_ctx_t  ctx;

    if (ask->dry_run) {
        return;
    }

    ngx_memzero(&ctx, sizeof(ngx_http_tollgate_ctx_t));
    ctx.charge = ask->charge;

    if (ngx_http_tollgate_verdict_read(&ctx, ask, v) != NGX_OK) {
        if (!ask->served) {
            ngx_http_tollgate_void(ask->node->store, &ask->charge);
        }

        return;
    }

    if (ask->served) {
        ngx_http_tollgate_ends_late(ask, &ctx.charge);

    } else if (ngx_http_tollgate_charge_taken(&ctx.charge)) {
        ngx_http_tollgate_refund(ask->node->store, &ctx.charge);
        ngx_http_tollgate_count(backs[NGX_HTTP_TOLLGATE_BACK_LATE], 1);
    }
}


/* Whether these were charged can't be known here: the ledger finds out. */

static void
ngx_http_tollgate_answer_lost(ngx_http_tollgate_call_t *call)
{
    ngx_http_tollgate_ask_t  *ask;

    while (!ngx_queue_empty(&call->list)) {
        ask = ngx_http_tollgate_ask_head(&call->list);

        if (ask->ctx != NULL) {
            ask->served = ngx_http_tollgate_stale_serves(ask->ctx);
        }

        if (!ask->served && !ask->dry_run) {
            if (ngx_http_tollgate_charge_taken(&ask->charge)) {
                ngx_http_tollgate_void(ask->node->store, &ask->charge);
            }

            ngx_http_tollgate_ends_lost(ask);
        }

        ngx_http_tollgate_ask_end(ask);
    }
}
