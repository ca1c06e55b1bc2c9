
/*
 * ngx_http_tollgate_deny.c owns refusals: a verdict becomes a status, headers
 * and a body in the form that the client reads.
 */


#include "ngx_http_tollgate_deny.h"


static ngx_int_t ngx_http_tollgate_deny_headers(ngx_http_request_t *r,
    ngx_http_tollgate_ctx_t *ctx);
static ngx_int_t ngx_http_tollgate_deny_challenge(ngx_http_request_t *r,
    ngx_http_tollgate_ctx_t *ctx);
static ngx_int_t ngx_http_tollgate_deny_retry(ngx_http_request_t *r,
    int64_t ms);
static ngx_uint_t ngx_http_tollgate_deny_paged(ngx_http_request_t *r,
    ngx_uint_t status);
static void ngx_http_tollgate_deny_type(ngx_http_request_t *r,
    ngx_http_tollgate_ctx_t *ctx, ngx_uint_t html);


ngx_int_t
ngx_http_tollgate_deny(ngx_http_request_t *r, ngx_http_tollgate_ctx_t *ctx)
{
    ngx_int_t     rc;
    ngx_buf_t    *b;
    ngx_str_t     facts[NGX_HTTP_TOLLGATE_FACTS];
    ngx_uint_t    status, html;
    ngx_chain_t   out;

    status = ngx_http_tollgate_verdicts[ctx->verdict].status;

    /* a client that waits with its body needn't send it */

    r->expect_tested = 1;

    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        return rc;
    }

    if (ngx_http_tollgate_deny_headers(r, ctx) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (ngx_http_tollgate_deny_paged(r, status)) {
        return status;
    }

    if (ctx->conf->error_html
        && ngx_http_tollgate_header(r, "Vary",
                                    (u_char *) "Accept, Accept-Language", 23)
           != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    html = ctx->conf->error_html && ngx_http_tollgate_accept_html(r);

    b = ngx_calloc_buf(r->pool);

    if (b == NULL
        || ngx_http_tollgate_fact(r, ctx, facts) != NGX_OK
        || ngx_http_tollgate_fact_url(r, ctx, facts) != NGX_OK
        || (html ? ngx_http_tollgate_html(r, ctx, facts, b)
                 : ngx_http_tollgate_json(r, ctx, facts, b)) != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    /* the error that led here, over a named location, is not the answer */

    r->err_status = 0;

    r->headers_out.status = status;
    r->headers_out.content_length_n = b->last - b->pos;
    ngx_http_tollgate_deny_type(r, ctx, html);

    rc = ngx_http_send_header(r);

    if (rc == NGX_OK && !r->header_only) {
        b->memory = 1;
        b->last_buf = 1;
        b->last_in_chain = 1;

        out.buf = b;
        out.next = NULL;

        rc = ngx_http_output_filter(r, &out);
    }

    ngx_http_finalize_request(r, rc);

    return NGX_DONE;
}


static ngx_int_t
ngx_http_tollgate_deny_headers(ngx_http_request_t *r,
    ngx_http_tollgate_ctx_t *ctx)
{
    int64_t                       ms;
    ngx_http_tollgate_verdict_t  *verdict;

    verdict = &ngx_http_tollgate_verdicts[ctx->verdict];

    if (ngx_http_tollgate_header(r, "Cache-Control", (u_char *) "no-store", 8)
        != NGX_OK
        || ngx_http_tollgate_headers_request_id(r, ctx) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ctx->known && ctx->link == NULL
        && !(ctx->conf->headers & NGX_HTTP_TOLLGATE_HEADERS_OFF)
        && ngx_http_tollgate_limits(r, ctx) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (verdict->status == NGX_HTTP_UNAUTHORIZED) {
        return ngx_http_tollgate_deny_challenge(r, ctx);
    }

    ms = ngx_http_tollgate_fact_wait(ctx);

    /* of 402 and 429 a client has to be told that waiting is no use */

    if ((ms > NGX_HTTP_TOLLGATE_FACT_SHORT
         || (ms == 0 && (verdict->status == NGX_HTTP_TOLLGATE_PAYMENT
                         || verdict->status == NGX_HTTP_TOO_MANY_REQUESTS)))
        && ngx_http_tollgate_header(r, "x-should-retry", (u_char *) "false", 5)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ms ? ngx_http_tollgate_deny_retry(r, ms) : NGX_OK;
}


/* RFC 6750: who sent no key is told of no error. */

static ngx_int_t
ngx_http_tollgate_deny_challenge(ngx_http_request_t *r,
    ngx_http_tollgate_ctx_t *ctx)
{
    u_char     *p, *last;
    ngx_str_t  *detail;

    if (ctx->verdict == NGX_HTTP_TOLLGATE_KEY_MISSING) {
        return ngx_http_tollgate_header(r, "WWW-Authenticate",
                                        (u_char *) "Bearer realm=\"api\"", 18);
    }

    detail = ngx_http_tollgate_fact_detail(ctx, NGX_HTTP_TOLLGATE_EN);

    p = ngx_pnalloc(r->pool, sizeof("Bearer realm=\"api\", "
                                    "error=\"invalid_token\", "
                                    "error_description=\"\"")
                             + detail->len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    last = ngx_sprintf(p, "Bearer realm=\"api\", error=\"invalid_token\", "
                       "error_description=\"%V\"", detail);

    return ngx_http_tollgate_header(r, "WWW-Authenticate", p, last - p);
}


/* Clients take 0 for "at once" and a month for a wait that they sit out. */

static ngx_int_t
ngx_http_tollgate_deny_retry(ngx_http_request_t *r, int64_t ms)
{
    u_char   *p, *last;

    ms = ngx_min(ms, NGX_HTTP_TOLLGATE_FACT_SHORT);

    p = ngx_pnalloc(r->pool, 2 * NGX_INT64_LEN);
    if (p == NULL) {
        return NGX_ERROR;
    }

    last = ngx_sprintf(p, "%L", (ms + 999) / 1000);

    if (ngx_http_tollgate_header(r, "Retry-After", p, last - p) != NGX_OK) {
        return NGX_ERROR;
    }

    p = last;
    last = ngx_sprintf(p, "%L", ms);

    return ngx_http_tollgate_header(r, "retry-after-ms", p, last - p);
}


/* An operator who has a page of his own for the status is asked for it. */

static ngx_uint_t
ngx_http_tollgate_deny_paged(ngx_http_request_t *r, ngx_uint_t status)
{
    ngx_uint_t                 i;
    ngx_http_err_page_t       *page;
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    if (clcf->error_pages == NULL || r->error_page) {
        return 0;
    }

    page = clcf->error_pages->elts;

    for (i = 0; i < clcf->error_pages->nelts; i++) {
        if (page[i].status == (ngx_int_t) status) {
            return 1;
        }
    }

    return 0;
}


static void
ngx_http_tollgate_deny_type(ngx_http_request_t *r,
    ngx_http_tollgate_ctx_t *ctx, ngx_uint_t html)
{
    ngx_str_t  *type;

    type = &r->headers_out.content_type;

    if (html) {
        ngx_str_set(type, "text/html");
        ngx_str_set(&r->headers_out.charset, "utf-8");

    } else if (ctx->conf->error_shape == NGX_HTTP_TOLLGATE_PROBLEM) {
        ngx_str_set(type, "application/problem+json");

    } else {
        ngx_str_set(type, "application/json");
    }

    r->headers_out.content_type_len = type->len;
    r->headers_out.content_type_lowcase = NULL;
}
