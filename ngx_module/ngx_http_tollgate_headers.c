
/*
 * ngx_http_tollgate_headers.c owns the response headers that tell a client
 * which request it was, what it cost and what was decided.
 */


#include "ngx_http_tollgate_deny.h"


/* the hash of our own ones, of which nginx asks only whether it is 0 */

#define NGX_HTTP_TOLLGATE_HEADERS_HASH  0x746f6c6c



static ngx_int_t ngx_http_tollgate_headers_filter(ngx_http_request_t *r);
static ngx_int_t ngx_http_tollgate_headers_add(ngx_http_request_t *r,
    ngx_http_tollgate_ctx_t *ctx);
static void ngx_http_tollgate_headers_clean(ngx_http_request_t *r);
static ngx_int_t ngx_http_tollgate_headers_verdict(ngx_http_request_t *r,
    ngx_http_tollgate_ctx_t *ctx);
static ngx_int_t ngx_http_tollgate_headers_would(ngx_http_request_t *r,
    ngx_http_tollgate_ctx_t *ctx);
static ngx_int_t ngx_http_tollgate_headers_credits(ngx_http_request_t *r,
    ngx_http_tollgate_ctx_t *ctx);


static ngx_http_output_header_filter_pt  ngx_http_next_header_filter;


ngx_int_t
ngx_http_tollgate_headers_init(ngx_conf_t *cf)
{
    ngx_http_next_header_filter = ngx_http_top_header_filter;
    ngx_http_top_header_filter = ngx_http_tollgate_headers_filter;

    return NGX_OK;
}


/*
 * Refusals carry what _deny.c gave them.  Dry runs show nothing of the gate
 * but the verdict, where that is asked for.
 */

static ngx_int_t
ngx_http_tollgate_headers_filter(ngx_http_request_t *r)
{
    ngx_http_tollgate_ctx_t  *ctx;

    if (r == r->main) {
        ctx = ngx_http_tollgate_ctx(r);

        if (ctx != NULL) {
            if (ctx->outcome
                && (ctx->dry_run
                    || ngx_http_tollgate_verdicts[ctx->verdict].status == 0))
            {
                ngx_http_tollgate_headers_clean(r);
            }

            ctx->outcome = ngx_http_tollgate_log_outcome(r, ctx);
        }

        if (ctx != NULL && ctx->done && ctx->verdict != NGX_HTTP_TOLLGATE_OFF
            && (ctx->conf->headers & NGX_HTTP_TOLLGATE_HEADERS_VERDICT)
            && ngx_http_tollgate_headers_verdict(r, ctx) != NGX_OK)
        {
            return NGX_ERROR;
        }

        if (ctx != NULL && ctx->done && !ctx->dry_run
            && ctx->verdict != NGX_HTTP_TOLLGATE_OFF
            && ngx_http_tollgate_verdicts[ctx->verdict].status == 0
            && !(ctx->conf->headers & NGX_HTTP_TOLLGATE_HEADERS_OFF)
            && ngx_http_tollgate_headers_add(r, ctx) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return ngx_http_next_header_filter(r);
}


static ngx_int_t
ngx_http_tollgate_headers_verdict(ngx_http_request_t *r,
    ngx_http_tollgate_ctx_t *ctx)
{
    u_char     *p, *last;
    ngx_str_t  *code;

    code = &ngx_http_tollgate_verdicts[ctx->verdict].code;

    if (!ctx->dry_run) {
        return ngx_http_tollgate_header(r, "Tollgate-Verdict", code->data,
                                        code->len);
    }

    p = ngx_pnalloc(r->pool, code->len + sizeof("; dry_run") - 1);
    if (p == NULL) {
        return NGX_ERROR;
    }

    last = ngx_cpymem(p, code->data, code->len);
    last = ngx_cpymem(last, "; dry_run", sizeof("; dry_run") - 1);

    if (ngx_http_tollgate_header(r, "Tollgate-Verdict", p, last - p) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ctx->verdict == NGX_HTTP_TOLLGATE_PASS
           ? ngx_http_tollgate_headers_would(r, ctx) : NGX_OK;
}


/* What a dry run would have charged, after what it would have given back. */

static ngx_int_t
ngx_http_tollgate_headers_would(ngx_http_request_t *r,
    ngx_http_tollgate_ctx_t *ctx)
{
    u_char      *p, *last;
    ngx_uint_t   charged;

    charged = ngx_http_tollgate_log_charged(ctx->conf, ctx->outcome);

    p = ngx_pnalloc(r->pool, NGX_HTTP_TOLLGATE_CREDITS_LEN
                             + sizeof("; units=") + NGX_INT64_LEN);
    if (p == NULL) {
        return NGX_ERROR;
    }

    last = ngx_http_tollgate_credits(p, charged ? ctx->charge.credits : 0);
    last = ngx_sprintf(last, "; units=%L", charged ? ctx->charge.units : 0);

    return ngx_http_tollgate_header(r, "Tollgate-Would-Charge", p, last - p);
}


static ngx_int_t
ngx_http_tollgate_headers_add(ngx_http_request_t *r,
    ngx_http_tollgate_ctx_t *ctx)
{
    if (ngx_http_tollgate_headers_request_id(r, ctx) != NGX_OK) {
        return NGX_ERROR;
    }

    /*
     * of what passed in an outage nothing else is known, and who has a link
     * need not be the customer
     */

    if (ctx->verdict != NGX_HTTP_TOLLGATE_PASS || ctx->link != NULL) {
        return NGX_OK;
    }

    if (ngx_http_tollgate_limits(r, ctx) != NGX_OK) {
        return NGX_ERROR;
    }

    if (ctx->conf->headers & NGX_HTTP_TOLLGATE_HEADERS_CREDITS) {
        return ngx_http_tollgate_headers_credits(r, ctx);
    }

    return NGX_OK;
}


/* A later filter made an error of the response, as of a range past its end. */

static void
ngx_http_tollgate_headers_clean(ngx_http_request_t *r)
{
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    for (part = &r->headers_out.headers.part; part; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {
            if (h[i].hash == NGX_HTTP_TOLLGATE_HEADERS_HASH) {
                h[i].hash = 0;
            }
        }
    }
}


/*
 * OpenAI's clients read one of the names, those of Anthropic and Stripe the
 * other.  The backend's own go first.
 */

ngx_int_t
ngx_http_tollgate_headers_request_id(ngx_http_request_t *r,
    ngx_http_tollgate_ctx_t *ctx)
{
    ngx_uint_t                 i, both;
    ngx_list_part_t           *part;
    ngx_table_elt_t           *h;
    ngx_http_tollgate_text_t  *id;

    both = 0;

    for (part = &r->headers_out.headers.part; part; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {
            if (h[i].hash == 0) {
                continue;
            }

            if (h[i].key.len == sizeof("x-request-id") - 1
                && ngx_strncasecmp(h[i].key.data, (u_char *) "x-request-id",
                                   12) == 0)
            {
                both |= 1;
            }

            if (h[i].key.len == sizeof("request-id") - 1
                && ngx_strncasecmp(h[i].key.data, (u_char *) "request-id", 10)
                   == 0)
            {
                both |= 2;
            }
        }
    }

    id = &ctx->charge.request_id;

    if (!(both & 1)
        && ngx_http_tollgate_header(r, "x-request-id", id->data, id->len)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (!(both & 2)
        && ngx_http_tollgate_header(r, "request-id", id->data, id->len)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* What will be given back because of the outcome is told as not taken. */

static ngx_int_t
ngx_http_tollgate_headers_credits(ngx_http_request_t *r,
    ngx_http_tollgate_ctx_t *ctx)
{
    u_char   *p, *last;
    int64_t   credits, avail;

    credits = ctx->charge.credits;
    avail = ctx->avail;

    if (ngx_http_tollgate_log_refunds(r, ctx)) {
        avail += credits;
        credits = 0;
    }

    p = ngx_pnalloc(r->pool, 2 * NGX_HTTP_TOLLGATE_CREDITS_LEN);
    if (p == NULL) {
        return NGX_ERROR;
    }

    last = ngx_http_tollgate_credits(p, credits);

    /* what a hold comes to is known when the response is over */

    if (ngx_http_tollgate_header(r, ngx_http_tollgate_charge_held(&ctx->charge)
                                    ? "Tollgate-Hold" : "Tollgate-Cost",
                                 p, last - p)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    p = last;
    last = ngx_http_tollgate_credits(p, avail);

    return ngx_http_tollgate_header(r, "Tollgate-Credits-Remaining", p,
                                    last - p);
}


/* value has to live as long as the request */

ngx_int_t
ngx_http_tollgate_header(ngx_http_request_t *r, const char *name,
    u_char *value, size_t len)
{
    ngx_table_elt_t  *h;

    h = ngx_list_push(&r->headers_out.headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(h, sizeof(ngx_table_elt_t));

    h->hash = NGX_HTTP_TOLLGATE_HEADERS_HASH;
    h->key.data = (u_char *) name;
    h->key.len = ngx_strlen(name);
    h->value.data = value;
    h->value.len = len;

    return NGX_OK;
}
