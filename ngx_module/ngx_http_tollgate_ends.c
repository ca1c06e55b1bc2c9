
/*
 * ngx_http_tollgate_ends.c owns what a request has only while it runs: the
 * leases that its ticket names are kept up until it ends, and end with it.
 */


#include "ngx_http_tollgate_metrics.h"


/* a lease that a ticket can't mean is one of this time, in ms */

#define NGX_HTTP_TOLLGATE_ENDS_LEAST  300


static ngx_msec_t ngx_http_tollgate_ends_lease(
    ngx_http_tollgate_ticket_t *ticket);
static void ngx_http_tollgate_ends_keep(ngx_event_t *ev);
static ngx_int_t ngx_http_tollgate_ends_kept(ngx_http_tollgate_call_t *call,
    ngx_http_tollgate_reply_t *reply);


/* The request has passed, and runs from now on. */

void
ngx_http_tollgate_ends_start(ngx_http_tollgate_ctx_t *ctx)
{
    if (ctx->verdict != NGX_HTTP_TOLLGATE_PASS) {
        return;
    }

    ctx->lease = ngx_http_tollgate_ends_lease(&ctx->charge.ticket);

    if (ctx->lease) {
        ctx->keep.handler = ngx_http_tollgate_ends_keep;
        ctx->keep.data = ctx;
        ctx->keep.log = ctx->conf->store->log;

        ngx_add_timer(&ctx->keep, ctx->lease / 3);
    }
}


/* The shortest one: that of a word whose tag begins with "e".  0: none. */

static ngx_msec_t
ngx_http_tollgate_ends_lease(ngx_http_tollgate_ticket_t *ticket)
{
    u_char      *p, *last;
    ngx_msec_t   ms, least;

    least = 0;
    last = ticket->data + ticket->len;

    for (p = ticket->data; p < last; p++) {
        if (*p == 'e') {
            p = ngx_strlchr(p, last, ':');
            if (p == NULL) {
                break;
            }

            for (ms = 0, p++;
                 p < last && *p >= '0' && *p <= '9' && ms < NGX_MAX_INT32_VALUE;
                 p++)
            {
                ms = ms * 10 + (*p - '0');
            }

            ms = ngx_max(ms, NGX_HTTP_TOLLGATE_ENDS_LEAST);
            least = least ? ngx_min(least, ms) : ms;
        }

        p = ngx_strlchr(p, last, ';');
        if (p == NULL) {
            break;
        }
    }

    return ngx_min(least, NGX_MAX_INT32_VALUE);
}


/* Three times in a lease, so that one of them may be lost. */

static void
ngx_http_tollgate_ends_keep(ngx_event_t *ev)
{
    ngx_http_tollgate_ctx_t   *ctx;
    ngx_http_tollgate_call_t  *call;
    ngx_http_tollgate_node_t  *node;

    ctx = ev->data;
    node = ctx->conf->store->routes[ctx->charge.shard].node;

    ngx_add_timer(ev, ctx->lease / 3);

    if (!ngx_http_tollgate_redis_room(&node->redis)) {
        return;
    }

    call = ngx_http_tollgate_redis_call(&node->redis,
                                        ngx_http_tollgate_ends_kept, node);
    if (call == NULL) {
        return;
    }

    if (ngx_http_tollgate_ends_format(node, &ctx->charge, "run") != NGX_OK) {
        ngx_http_tollgate_redis_forget(call);
        return;
    }

    ngx_http_tollgate_redis_expect(call);
    ngx_http_tollgate_redis_post(&node->redis);
}


/* What went wrong is tried again with the next third of the lease. */

static ngx_int_t
ngx_http_tollgate_ends_kept(ngx_http_tollgate_call_t *call,
    ngx_http_tollgate_reply_t *reply)
{
    ngx_uint_t                 asking;
    ngx_http_tollgate_node_t  *node;

    node = call->data;

    if (reply == NULL || reply->type == REDIS_REPLY_INTEGER) {
        return NGX_OK;
    }

    if (reply->type != REDIS_REPLY_ERROR) {
        return NGX_ERROR;
    }

    if (ngx_http_tollgate_redis_noscript(reply)) {
        return ngx_http_tollgate_redis_load(&node->redis);
    }

    if (ngx_http_tollgate_store_redirect(&node->redis, reply, &asking) == NULL)
    {
        ngx_http_tollgate_redis_complain(&node->redis, "to keep up a lease",
                                         reply);
    }

    return NGX_OK;
}


/* The request is over.  What gives it back has ended its leases too. */

void
ngx_http_tollgate_ends(ngx_http_tollgate_ctx_t *ctx)
{
    ngx_http_tollgate_ends_leave(ctx);

    if (ctx->lease && !ctx->refunded) {
        ngx_http_tollgate_release(ctx->conf->store, &ctx->charge, "done");
    }
}


void
ngx_http_tollgate_ends_leave(ngx_http_tollgate_ctx_t *ctx)
{
    if (ctx->keep.timer_set) {
        ngx_del_timer(&ctx->keep);
    }
}


/* Redis said that it passed, long after it had been served without that. */

void
ngx_http_tollgate_ends_late(ngx_http_tollgate_ask_t *ask,
    ngx_http_tollgate_charge_t *charge)
{
    if (ngx_http_tollgate_ends_lease(&charge->ticket)) {
        ngx_http_tollgate_release(ask->node->store, charge, "done");
    }
}


/* The reply is lost, and the client got nothing. */

void
ngx_http_tollgate_ends_lost(ngx_http_tollgate_ask_t *ask)
{
    if (ngx_http_tollgate_idem_ticket(ask, &ask->charge.ticket) == NGX_OK) {
        ngx_http_tollgate_release(ask->node->store, &ask->charge, "back");
    }
}


ngx_int_t
ngx_http_tollgate_ends_format(ngx_http_tollgate_node_t *node,
    ngx_http_tollgate_charge_t *charge, const char *outcome)
{
    u_char                      wallet[64], *w;
    ngx_http_tollgate_redis_t  *redis;
    ngx_http_tollgate_shard_t  *shard;

    redis = &node->redis;
    shard = &node->store->conf->shards[charge->shard];

    if (ngx_http_tollgate_redis_command(redis, 8, 2 * sizeof(wallet)
                                        + NGX_HTTP_TOLLGATE_CODE_LEN
                                        + NGX_HTTP_TOLLGATE_TICKET_LEN)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    w = ngx_cpymem(wallet, shard->wallet.data, shard->wallet.len);
    w = ngx_cpymem(w, charge->account, NGX_HTTP_TOLLGATE_ACCOUNT_LEN);

    ngx_http_tollgate_redis_arg_script(redis, NGX_HTTP_TOLLGATE_RELEASE);
    ngx_http_tollgate_redis_arg(redis, "1", 1);
    ngx_http_tollgate_redis_arg(redis, wallet, w - wallet);
    ngx_http_tollgate_redis_arg(redis, charge->account,
                                NGX_HTTP_TOLLGATE_ACCOUNT_LEN);
    ngx_http_tollgate_redis_arg(redis, charge->request_id.data,
                                charge->request_id.len);
    ngx_http_tollgate_redis_arg(redis, outcome, ngx_strlen(outcome));
    ngx_http_tollgate_redis_arg(redis, charge->ticket.data,
                                charge->ticket.len);

    return NGX_OK;
}
