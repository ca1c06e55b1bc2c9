
/*
 * ngx_http_tollgate_deny.c owns refusals: a verdict becomes a status, headers
 * and a body of application/problem+json.
 */


#include "ngx_http_tollgate_catalog.h"


#define NGX_HTTP_TOLLGATE_DENY_SHORT  60000     /* ms worth waiting for */
#define NGX_HTTP_TOLLGATE_DENY_BODY   2048      /* without texts of others */


static ngx_int_t ngx_http_tollgate_deny_headers(ngx_http_request_t *r,
    ngx_http_tollgate_ctx_t *ctx);
static ngx_int_t ngx_http_tollgate_deny_retry(ngx_http_request_t *r,
    int64_t ms);
static int64_t ngx_http_tollgate_deny_wait(ngx_http_tollgate_ctx_t *ctx);
static ngx_uint_t ngx_http_tollgate_deny_paged(ngx_http_request_t *r,
    ngx_uint_t status);
static ngx_int_t ngx_http_tollgate_deny_body(ngx_http_request_t *r,
    ngx_http_tollgate_ctx_t *ctx, ngx_buf_t *b);
static u_char *ngx_http_tollgate_deny_members(u_char *p,
    ngx_http_request_t *r, ngx_http_tollgate_ctx_t *ctx);
static u_char *ngx_http_tollgate_deny_plans(u_char *p, ngx_http_request_t *r,
    ngx_http_tollgate_ctx_t *ctx);
static u_char *ngx_http_tollgate_deny_resets(u_char *p,
    ngx_http_tollgate_ctx_t *ctx);
static u_char *ngx_http_tollgate_deny_member(u_char *p, const char *name,
    ngx_str_t *value);


/* what a person is told, as JSON text; where nothing is, the title does */

static ngx_str_t
    ngx_http_tollgate_deny_details[NGX_HTTP_TOLLGATE_VERDICTS] = {
    [NGX_HTTP_TOLLGATE_KEY_MISSING] =
        ngx_string("Send your API key as \\\"Authorization: Bearer <key>\\\" or "
                   "as \\\"X-API-Key: <key>\\\"."),
    [NGX_HTTP_TOLLGATE_KEY_MALFORMED] =
        ngx_string("The API key is not complete or was mistyped."),
    [NGX_HTTP_TOLLGATE_COST_INVALID] =
        ngx_string("This request has no valid cost."),
    [NGX_HTTP_TOLLGATE_FEATURE_UNKNOWN] =
        ngx_string("The catalog has no such feature."),
    [NGX_HTTP_TOLLGATE_MODEL_UNKNOWN] =
        ngx_string("The catalog has no such model."),
    [NGX_HTTP_TOLLGATE_STORE_UNREACHABLE] =
        ngx_string("The request could not be decided. Try again shortly."),
    [NGX_HTTP_TOLLGATE_DEADLINE_PASSED] =
        ngx_string("The request could not be decided. Try again shortly."),
    [NGX_HTTP_TOLLGATE_KEY_UNKNOWN] =
        ngx_string("There is no such API key."),
    [NGX_HTTP_TOLLGATE_KEY_REVOKED] =
        ngx_string("This API key was revoked."),
    [NGX_HTTP_TOLLGATE_KEY_EXPIRED] =
        ngx_string("This API key has expired."),
    [NGX_HTTP_TOLLGATE_ACCOUNT_SUSPENDED] =
        ngx_string("This account is suspended."),
    [NGX_HTTP_TOLLGATE_ACCOUNT_FROZEN] =
        ngx_string("This account is frozen until it has been checked."),
    [NGX_HTTP_TOLLGATE_APP_SUSPENDED] =
        ngx_string("The app of this API key is suspended."),
    [NGX_HTTP_TOLLGATE_TIER_REQUIRED] =
        ngx_string("The plan of this account does not include this."),
    [NGX_HTTP_TOLLGATE_RATE_LIMITED] =
        ngx_string("Requests come faster than the plan allows."),
    [NGX_HTTP_TOLLGATE_QUOTA_EXCEEDED] =
        ngx_string("The quota of the plan is used up."),
    [NGX_HTTP_TOLLGATE_CREDITS_EXHAUSTED] =
        ngx_string("The account has too few credits for this request.")
};


ngx_int_t
ngx_http_tollgate_deny(ngx_http_request_t *r, ngx_http_tollgate_ctx_t *ctx)
{
    ngx_int_t     rc;
    ngx_buf_t    *b;
    ngx_uint_t    status;
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

    b = ngx_calloc_buf(r->pool);
    if (b == NULL || ngx_http_tollgate_deny_body(r, ctx, b) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    /* the error that led here, over a named location, is not the answer */

    r->err_status = 0;

    r->headers_out.status = status;
    r->headers_out.content_length_n = b->last - b->pos;
    ngx_str_set(&r->headers_out.content_type, "application/problem+json");
    r->headers_out.content_type_len = r->headers_out.content_type.len;
    r->headers_out.content_type_lowcase = NULL;

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
    ngx_str_t                     challenge;
    ngx_http_tollgate_verdict_t  *verdict;

    verdict = &ngx_http_tollgate_verdicts[ctx->verdict];

    if (ngx_http_tollgate_header(r, "Cache-Control", (u_char *) "no-store", 8)
        != NGX_OK
        || ngx_http_tollgate_headers_request_id(r, ctx) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ctx->known
        && !(ctx->conf->headers & NGX_HTTP_TOLLGATE_HEADERS_OFF)
        && ngx_http_tollgate_headers_limits(r, ctx) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (verdict->status == NGX_HTTP_UNAUTHORIZED) {
        if (ctx->verdict == NGX_HTTP_TOLLGATE_KEY_MISSING) {
            ngx_str_set(&challenge, "Bearer realm=\"api\"");

        } else {
            ngx_str_set(&challenge,
                        "Bearer realm=\"api\", error=\"invalid_token\"");
        }

        return ngx_http_tollgate_header(r, "WWW-Authenticate", challenge.data,
                                        challenge.len);
    }

    ms = ngx_http_tollgate_deny_wait(ctx);

    /* of 402 and 429 a client has to be told that waiting is no use */

    if ((ms > NGX_HTTP_TOLLGATE_DENY_SHORT
         || (ms == 0 && (verdict->status == NGX_HTTP_TOLLGATE_PAYMENT
                         || verdict->status == NGX_HTTP_TOO_MANY_REQUESTS)))
        && ngx_http_tollgate_header(r, "x-should-retry", (u_char *) "false", 5)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ms ? ngx_http_tollgate_deny_retry(r, ms) : NGX_OK;
}


/* Clients take 0 for "at once" and a month for a wait that they sit out. */

static ngx_int_t
ngx_http_tollgate_deny_retry(ngx_http_request_t *r, int64_t ms)
{
    u_char   *p, *last;

    ms = ngx_min(ms, NGX_HTTP_TOLLGATE_DENY_SHORT);

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


/* ms until the request could pass, 0 where it never could */

static int64_t
ngx_http_tollgate_deny_wait(ngx_http_tollgate_ctx_t *ctx)
{
    ngx_uint_t  status;

    status = ngx_http_tollgate_verdicts[ctx->verdict].status;

    if (status == NGX_HTTP_SERVICE_UNAVAILABLE) {
        return 1000;
    }

    if (status != NGX_HTTP_TOO_MANY_REQUESTS) {
        return 0;
    }

    return ctx->wait_ms;
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


static ngx_int_t
ngx_http_tollgate_deny_body(ngx_http_request_t *r,
    ngx_http_tollgate_ctx_t *ctx, ngx_buf_t *b)
{
    u_char                       *p;
    size_t                        size;
    ngx_str_t                     url, *detail;
    ngx_http_complex_value_t     *cv;
    ngx_http_tollgate_verdict_t  *v;

    v = &ngx_http_tollgate_verdicts[ctx->verdict];

    cv = v->status == NGX_HTTP_TOLLGATE_PAYMENT ? ctx->conf->topup_url
         : v->status == NGX_HTTP_FORBIDDEN ? ctx->conf->upgrade_url : NULL;

    ngx_str_null(&url);

    if (cv != NULL && ngx_http_complex_value(r, cv, &url) != NGX_OK) {
        return NGX_ERROR;
    }

    size = NGX_HTTP_TOLLGATE_DENY_BODY + 6 * url.len;

    b->start = ngx_pnalloc(r->pool, size);
    if (b->start == NULL) {
        return NGX_ERROR;
    }

    b->pos = b->start;
    b->end = b->start + size;

    detail = &ngx_http_tollgate_deny_details[ctx->verdict];

    if (detail->len == 0) {
        detail = &v->title;
    }

    p = ngx_sprintf(b->start,
                    "{\"type\":\"urn:tollgate:%V\",\"title\":\"%V\","
                    "\"status\":%ui,\"code\":\"%V\",\"detail\":\"%V\","
                    "\"request_id\":\"%*s\"",
                    &v->code, &v->title, v->status, &v->code,
                    detail,
                    (size_t) ctx->charge.request_id.len,
                    ctx->charge.request_id.data);

    p = ngx_http_tollgate_deny_members(p, r, ctx);

    if (url.len) {
        p = ngx_http_tollgate_deny_member(p,
                                          cv == ctx->conf->topup_url
                                          ? "topup_url" : "upgrade_url",
                                          &url);
    }

    b->last = ngx_sprintf(p,
                          ",\"error\":{\"message\":\"%V\",\"type\":\"%V\","
                          "\"code\":\"%V\",\"param\":%s}}" CRLF,
                          detail, &v->type,
                          &v->code,
                          ctx->verdict == NGX_HTTP_TOLLGATE_MODEL_UNKNOWN
                          ? "\"model\"" : "null");

    return NGX_OK;
}


static u_char *
ngx_http_tollgate_deny_members(u_char *p, ngx_http_request_t *r,
    ngx_http_tollgate_ctx_t *ctx)
{
    ngx_str_t  s;
    u_char     credits[NGX_HTTP_TOLLGATE_CREDITS_LEN];

    if (ctx->known && ctx->plan.len) {
        p = ngx_http_tollgate_deny_member(p, "plan", &ctx->plan);
    }

    switch (ctx->verdict) {

    case NGX_HTTP_TOLLGATE_FEATURE_UNKNOWN:
        return ngx_http_tollgate_deny_member(p, "feature", &ctx->feature);

    case NGX_HTTP_TOLLGATE_MODEL_UNKNOWN:
        return ngx_http_tollgate_deny_member(p, "model", &ctx->model);

    case NGX_HTTP_TOLLGATE_TIER_REQUIRED:
        return ngx_http_tollgate_deny_plans(p, r, ctx);

    case NGX_HTTP_TOLLGATE_RATE_LIMITED:
    case NGX_HTTP_TOLLGATE_QUOTA_EXCEEDED:
        return ngx_http_tollgate_deny_resets(p, ctx);

    case NGX_HTTP_TOLLGATE_CREDITS_EXHAUSTED:
        s.data = credits;
        s.len = ngx_http_tollgate_credits(credits, ctx->cost) - credits;
        p = ngx_http_tollgate_deny_member(p, "required", &s);

        s.len = ngx_http_tollgate_credits(credits, ctx->avail) - credits;
        return ngx_http_tollgate_deny_member(p, "available", &s);

    default:
        return p;
    }
}


/* The tier that the plan has, the one needed, and the cheapest plan for it. */

static u_char *
ngx_http_tollgate_deny_plans(u_char *p, ngx_http_request_t *r,
    ngx_http_tollgate_ctx_t *ctx)
{
    ngx_http_tollgate_rank_t     *rank;
    ngx_http_tollgate_catalog_t  *catalog;

    catalog = ngx_http_tollgate_catalog_get(
                  ngx_http_get_module_main_conf(r, ngx_http_tollgate_module));

    if (catalog == NULL) {
        return p;
    }

    rank = ngx_http_tollgate_catalog_tier(catalog, ctx->plan_tier);
    if (rank != NULL) {
        p = ngx_http_tollgate_deny_member(p, "tier", &rank->code);
    }

    rank = ngx_http_tollgate_catalog_tier(catalog, ctx->tier);
    if (rank != NULL) {
        p = ngx_http_tollgate_deny_member(p, "required_tier", &rank->code);
    }

    rank = ngx_http_tollgate_catalog_plan(catalog, ctx->tier);
    if (rank != NULL) {
        p = ngx_http_tollgate_deny_member(p, "required_plan", &rank->code);
    }

    return p;
}


static u_char *
ngx_http_tollgate_deny_resets(u_char *p, ngx_http_tollgate_ctx_t *ctx)
{
    ngx_tm_t    tm;
    ngx_str_t  *s;
    time_t      at;

    /* in the order of ngx_http_tollgate_limit_e, then none */

    static ngx_str_t  names[] = {
        ngx_string("key_rate"), ngx_string("app_rate"), ngx_string("day"),
        ngx_string("month"), ngx_string("")
    };

    s = &names[ctx->refused_by];

    if (s->len) {
        p = ngx_http_tollgate_deny_member(p, "limit", s);
    }

    at = ngx_time() + (time_t) ((ctx->wait_ms + 999) / 1000);

    if (ctx->refused_by == NGX_HTTP_TOLLGATE_DAY
        || ctx->refused_by == NGX_HTTP_TOLLGATE_MONTH)
    {
        at = (time_t) ctx->limits[ctx->refused_by].reset;
    }

    ngx_gmtime(at, &tm);

    return ngx_sprintf(p, ",\"resets_at\":\"%4d-%02d-%02dT%02d:%02d:%02dZ\"",
                       tm.ngx_tm_year, tm.ngx_tm_mon, tm.ngx_tm_mday,
                       tm.ngx_tm_hour, tm.ngx_tm_min, tm.ngx_tm_sec);
}


/*
 * A value may come from the client: it is escaped, codes are cut to their
 * longest form, and bytes that are no ASCII become "?", for they may be no
 * UTF-8.
 */

static u_char *
ngx_http_tollgate_deny_member(u_char *p, const char *name, ngx_str_t *value)
{
    size_t   len;
    u_char  *start;

    p = ngx_sprintf(p, ",\"%s\":\"", name);
    start = p;

    len = ngx_strcmp(name + ngx_strlen(name) - 3, "url") == 0
          ? value->len : ngx_min(value->len, NGX_HTTP_TOLLGATE_CODE_LEN);

    p = (u_char *) ngx_escape_json(p, value->data, len);

    for ( /* void */ ; start < p; start++) {
        if (*start >= 0x7f) {
            *start = '?';
        }
    }

    *p++ = '"';

    return p;
}
