
/*
 * ngx_http_tollgate_log.c owns the end of a request: whether its outcome is
 * one that is charged, and its usage record.
 */


#include "ngx_http_tollgate_hold.h"
#include "ngx_http_tollgate_lease.h"
#include "ngx_http_tollgate_scan.h"
#include "ngx_http_tollgate_link.h"
#include "ngx_http_tollgate_metrics.h"


static void ngx_http_tollgate_log_give_back(ngx_http_tollgate_ctx_t *ctx);


ngx_int_t
ngx_http_tollgate_log_handler(ngx_http_request_t *r)
{
    ngx_http_tollgate_ctx_t  *ctx;

    if (r != r->main) {
        return NGX_OK;
    }

    ctx = ngx_http_tollgate_ctx(r);

    if (ctx == NULL || (ctx->done && ctx->verdict == NGX_HTTP_TOLLGATE_OFF)) {
        return NGX_OK;
    }

    if (!ctx->done) {
        ctx->verdict = ngx_http_tollgate_body_reads(ctx)
                       && !r->connection->error
                       && r->headers_out.status
                          != NGX_HTTP_CLIENT_CLOSED_REQUEST
                       ? NGX_HTTP_TOLLGATE_BODY_INVALID
                       : NGX_HTTP_TOLLGATE_CLIENT_GONE;
        ngx_http_tollgate_metrics_decision(ctx);
    }

    if (ctx->look) {
        return NGX_OK;
    }

    if (ngx_http_tollgate_log_refunds(r, ctx)) {
        ngx_http_tollgate_log_give_back(ctx);
        ctx->refunded = 1;

    } else {
        ngx_http_tollgate_hold_commit(r, ctx);
    }

    ngx_http_tollgate_ends(ctx);

    ngx_http_tollgate_usage(r, ctx);

    return NGX_OK;
}


/* What passed without an answer may have been charged: the ledger knows. */

static void
ngx_http_tollgate_log_give_back(ngx_http_tollgate_ctx_t *ctx)
{
    if (!ctx->outage) {
        if (!ngx_http_tollgate_lease_end(ctx)) {
            ngx_http_tollgate_refund(ctx->conf->store, &ctx->charge);
        }

        ngx_http_tollgate_metrics_refund(ctx);

    } else if (ctx->asked_us) {
        ngx_http_tollgate_link_ticket(ctx, &ctx->charge);
        ngx_http_tollgate_void(ctx->conf->store, &ctx->charge);
    }
}


/* Whether a request that has a price had an outcome that costs nothing. */

ngx_uint_t
ngx_http_tollgate_log_refunds(ngx_http_request_t *r,
    ngx_http_tollgate_ctx_t *ctx)
{
    ngx_uint_t                   priced;
    ngx_http_tollgate_charge_t  *charge;

    charge = &ctx->charge;

    priced = ctx->outage ? ngx_http_tollgate_stale_serves(ctx)
                         : ngx_http_tollgate_charge_taken(charge);

    if (ctx->dry_run || !priced) {
        return 0;
    }

    return !ngx_http_tollgate_log_charged(ctx->conf,
                                     ngx_http_tollgate_log_outcome(r, ctx));
}


/*
 * The status that counts.  What comes out of a cache is delivered, whatever
 * became of the backend; else a backend that failed counts as that even where
 * error_page dressed it up.  A client that left before the backend had the
 * request, or whose body never came whole, and a request that another module
 * stopped on its way after us count as a backend that was not reached.
 */

ngx_uint_t
ngx_http_tollgate_log_outcome(ngx_http_request_t *r,
    ngx_http_tollgate_ctx_t *ctx)
{
    ngx_uint_t                  status, backend;
    ngx_http_upstream_state_t  *state;

    /* the outcome of post_action is not that of its request */

    if (r->post_action) {
        return ctx->outcome ? ctx->outcome : NGX_HTTP_CLIENT_CLOSED_REQUEST;
    }

    status = r->headers_out.status;
    backend = 0;

#if (NGX_HTTP_CACHE)

    if (r->cached) {
        return status;
    }

#endif

    if (r->upstream_states != NULL && r->upstream_states->nelts) {
        state = r->upstream_states->elts;
        state += r->upstream_states->nelts - 1;
        backend = state->status;
    }

    if (backend >= NGX_HTTP_INTERNAL_SERVER_ERROR) {
        return backend;
    }

    if ((status == NGX_HTTP_CLIENT_CLOSED_REQUEST
         || (r->request_body != NULL && r->request_body->rest > 0))
        && (r->upstream == NULL || !r->upstream->request_sent))
    {
        return NGX_HTTP_BAD_GATEWAY;
    }

    if ((ctx->stopped || r->uri_changes != ctx->changes)
        && status >= NGX_HTTP_SPECIAL_RESPONSE
        && backend < NGX_HTTP_BAD_REQUEST)
    {
        return NGX_HTTP_BAD_GATEWAY;
    }

    return status;
}


ngx_uint_t
ngx_http_tollgate_log_charged(ngx_http_tollgate_loc_conf_t *conf,
    ngx_uint_t status)
{
    ngx_uint_t  i, *code;

    if (status == NGX_HTTP_CLIENT_CLOSED_REQUEST) {
        return conf->charge_on & NGX_HTTP_TOLLGATE_CHARGE_ABORT;
    }

    if (status / 100 < 6 && (conf->charge_on & (1 << status / 100))) {
        return 1;
    }

    if (conf->charge_codes != NULL) {
        code = conf->charge_codes->elts;

        for (i = 0; i < conf->charge_codes->nelts; i++) {
            if (code[i] == status) {
                return 1;
            }
        }
    }

    return 0;
}
