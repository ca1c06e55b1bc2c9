
/*
 * ngx_http_tollgate_usage.c owns usage records: a line a decided request.
 */


#include "ngx_http_tollgate_meter.h"
#include "ngx_http_tollgate_metrics.h"
#include "ngx_http_tollgate_link.h"


/* fields: eleven of at most 128 bytes, twenty-one numbers, tabs */

#define NGX_HTTP_TOLLGATE_USAGE_LINE    (11 * 128 + 21 * NGX_INT64_LEN + 34)


static u_char *ngx_http_tollgate_usage_line(u_char *p, ngx_http_request_t *r,
    ngx_http_tollgate_ctx_t *ctx);
static u_char *ngx_http_tollgate_usage_key(u_char *p,
    ngx_http_tollgate_ctx_t *ctx);
static u_char *ngx_http_tollgate_usage_decision(u_char *p,
    ngx_http_tollgate_ctx_t *ctx);
static u_char *ngx_http_tollgate_usage_tokens(u_char *p,
    ngx_http_tollgate_ctx_t *ctx);
static u_char *ngx_http_tollgate_usage_number(u_char *p, int64_t n);
static u_char *ngx_http_tollgate_usage_text(u_char *p, u_char *data,
    size_t len);


void
ngx_http_tollgate_usage(ngx_http_request_t *r, ngx_http_tollgate_ctx_t *ctx)
{
    u_char                     *p;
    ngx_http_tollgate_store_t  *store;

    store = ctx->conf->store;

    ngx_http_tollgate_count(records, 1);

    p = ngx_http_tollgate_batch_line(store, NGX_HTTP_TOLLGATE_USAGE_LINE);
    if (p != NULL) {
        ngx_http_tollgate_batch_end(store,
                                    ngx_http_tollgate_usage_line(p, r, ctx));
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

    p = ngx_http_tollgate_number(p, (int64_t) tp->sec * 1000 + tp->msec);
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

    p = ngx_http_tollgate_usage_number(p, r->headers_out.status);
    p = ngx_http_tollgate_usage_number(p, charge->credits);
    p = ngx_http_tollgate_usage_number(p, charge->units);
    p = ngx_http_tollgate_usage_number(p, ctx->refunded);
    p = ngx_http_tollgate_usage_number(p, ngx_max(ms, 0));
    p = ngx_http_tollgate_usage_number(p, r->request_length);
    p = ngx_http_tollgate_usage_number(p, r->connection->sent);
    p = ngx_http_tollgate_usage_number(p, ctx->dry_run);

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

    p = ngx_http_tollgate_usage_number(p, ctx->cost);
    p = ngx_http_tollgate_usage_number(p, ctx->cost_units);
    p = ngx_http_tollgate_usage_number(p, ngx_http_tollgate_verdict_avail(ctx));
    p = ngx_http_tollgate_usage_text(p, limit ? limit->data : NULL,
                                     limit ? limit->len : 0);
    p = ngx_http_tollgate_usage_number(p, ngx_http_tollgate_verdict_left(ctx,
                                              NGX_HTTP_TOLLGATE_DAY));
    p = ngx_http_tollgate_usage_number(p, ngx_http_tollgate_verdict_left(ctx,
                                              NGX_HTTP_TOLLGATE_MONTH));
    p = ngx_http_tollgate_usage_number(p, ctx->tier);
    p = ngx_http_tollgate_usage_text(p, ctx->plan.data, len);

    p = ngx_http_tollgate_usage_number(p, ngx_max(ctx->wait_ms, 0));
    p = ngx_http_tollgate_usage_number(p, ctx->store_us);
    p = ngx_http_tollgate_usage_text(p, ctx->label.data, ctx->label.len);

    p = ngx_http_tollgate_usage_tokens(p, ctx);

    return ngx_http_tollgate_usage_number(p,
                                          ngx_http_tollgate_link_counts(ctx));
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

    p = ngx_http_tollgate_usage_number(p, tokens.input);
    p = ngx_http_tollgate_usage_number(p, tokens.cached);

    return ngx_http_tollgate_usage_number(p, tokens.output);
}


static u_char *
ngx_http_tollgate_usage_number(u_char *p, int64_t n)
{
    *p++ = '\t';

    return ngx_http_tollgate_number(p, n);
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
