
/*
 * ngx_http_tollgate_log.c owns the end of a request: whether its outcome is
 * one that is charged, and its usage record.
 */


#include "ngx_http_tollgate.h"


static ngx_uint_t ngx_http_tollgate_log_outcome(ngx_http_request_t *r);


ngx_int_t
ngx_http_tollgate_log_handler(ngx_http_request_t *r)
{
    ngx_http_tollgate_ctx_t  *ctx;

    if (r != r->main) {
        return NGX_OK;
    }

    ctx = ngx_http_tollgate_ctx(r);

    if (ctx == NULL || !ctx->done) {
        return NGX_OK;
    }

    if (ngx_http_tollgate_log_refunds(r, ctx)) {
        ngx_http_tollgate_refund(ctx->conf->store, &ctx->charge);
        ctx->refunded = 1;
    }

    ngx_http_tollgate_usage(r, ctx);

    return NGX_OK;
}


/* Whether a charged request has an outcome that costs nothing. */

ngx_uint_t
ngx_http_tollgate_log_refunds(ngx_http_request_t *r,
    ngx_http_tollgate_ctx_t *ctx)
{
    ngx_http_tollgate_charge_t  *charge;

    charge = &ctx->charge;

    if (ctx->dry_run || (charge->credits == 0 && charge->units == 0)) {
        return 0;
    }

    return !ngx_http_tollgate_log_charged(ctx->conf,
                                          ngx_http_tollgate_log_outcome(r));
}


/*
 * The status that counts.  A backend that failed counts as that even where
 * error_page dressed it up; a client that left before the backend had the
 * request, or whose body never came whole, counts as a backend that was not
 * reached.
 */

static ngx_uint_t
ngx_http_tollgate_log_outcome(ngx_http_request_t *r)
{
    ngx_uint_t                  status;
    ngx_http_upstream_state_t  *state;

    status = r->headers_out.status;

    if (r->upstream_states != NULL && r->upstream_states->nelts) {
        state = r->upstream_states->elts;
        state += r->upstream_states->nelts - 1;

        if (state->status >= 500) {
            return state->status;
        }
    }

    if ((status == NGX_HTTP_CLIENT_CLOSED_REQUEST
         || (r->request_body != NULL && r->request_body->rest != 0))
        && (r->upstream == NULL || !r->upstream->request_sent))
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
