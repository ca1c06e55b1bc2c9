
/*
 * ngx_http_tollgate_self.c owns what a customer may know of its own account:
 * what is left of credits and limits, and what of the catalog it may use.
 *
 * A location with "tollgate_self" is gated, but with a look in place of a
 * decision: the key is checked as ever, and nothing is charged, counted
 * against a limit or recorded.  The answers are those of the worker's API.
 */


#include "ngx_http_tollgate_conf.h"
#include "ngx_http_tollgate_self.h"


struct ngx_http_tollgate_self_s {
    ngx_str_t                        name;
    ngx_uint_t                       args;

    /* NGX_DECLINED: there is no such app */
    ngx_int_t                      (*write)(ngx_http_request_t *r,
                                       ngx_http_tollgate_ctx_t *ctx,
                                       ngx_http_tollgate_catalog_t *catalog,
                                       ngx_buf_t *b);
};


static ngx_int_t ngx_http_tollgate_self_handler(ngx_http_request_t *r);
static ngx_int_t ngx_http_tollgate_self_send(ngx_http_request_t *r,
    ngx_uint_t status, ngx_buf_t *b);
static ngx_int_t ngx_http_tollgate_self_not_found(ngx_buf_t *b,
    ngx_http_request_t *r, ngx_str_t *app);
static ngx_int_t ngx_http_tollgate_self_quota(ngx_http_request_t *r,
    ngx_http_tollgate_ctx_t *ctx, ngx_http_tollgate_catalog_t *catalog,
    ngx_buf_t *b);
static u_char *ngx_http_tollgate_self_limit(u_char *p, const char *kind,
    const char *name, ngx_http_tollgate_limit_t *limit, int64_t used);
static u_char *ngx_http_tollgate_self_named(u_char *p,
    ngx_http_tollgate_named_t *named);


static ngx_http_tollgate_self_t  ngx_http_tollgate_selves[] = {
    { ngx_string("apps"), 2, ngx_http_tollgate_models_apps },
    { ngx_string("models"), 3, ngx_http_tollgate_models },
    { ngx_string("quota"), 2, ngx_http_tollgate_self_quota },
    { ngx_null_string, 0, NULL }
};


/* The gate has looked before, unless the request came here another way. */

static ngx_int_t
ngx_http_tollgate_self_handler(ngx_http_request_t *r)
{
    ngx_int_t                     rc;
    ngx_buf_t                    *b;
    ngx_str_t                     app;
    ngx_http_tollgate_ctx_t      *ctx;
    ngx_http_tollgate_catalog_t  *catalog;

    ctx = ngx_http_tollgate_ctx(r);

    /* a browser asks whether it may ask; add_header has the answer */

    if (r == r->main && ctx != NULL && ctx->verdict == NGX_HTTP_TOLLGATE_OFF
        && r->method == NGX_HTTP_OPTIONS)
    {
        return NGX_HTTP_NO_CONTENT;
    }

    if (!(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD))) {
        return NGX_HTTP_NOT_ALLOWED;
    }

    catalog = ngx_http_tollgate_catalog_get(
                  ngx_http_get_module_main_conf(r, ngx_http_tollgate_module));

    if (r != r->main || ctx == NULL || !ctx->look || !ctx->known
        || catalog == NULL)
    {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "tollgate: \"tollgate_self\" has no answer for a "
                      "subrequest or an internal redirect");
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        return rc;
    }

    b = ngx_calloc_buf(r->pool);
    if (b == NULL
        || ngx_http_tollgate_header(r, "Cache-Control", (u_char *) "no-store",
                                    8)
           != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    rc = ctx->conf->self->write(r, ctx, catalog, b);

    if (rc == NGX_OK) {
        ngx_str_set(&r->headers_out.content_type, "application/json");
        return ngx_http_tollgate_self_send(r, NGX_HTTP_OK, b);
    }

    if (rc == NGX_DECLINED
        && ngx_http_complex_value(r, ctx->conf->self_app, &app) == NGX_OK
        && ngx_http_tollgate_self_not_found(b, r, &app) == NGX_OK)
    {
        ngx_str_set(&r->headers_out.content_type, "application/problem+json");
        return ngx_http_tollgate_self_send(r, NGX_HTTP_NOT_FOUND, b);
    }

    return NGX_HTTP_INTERNAL_SERVER_ERROR;
}


static ngx_int_t
ngx_http_tollgate_self_send(ngx_http_request_t *r, ngx_uint_t status,
    ngx_buf_t *b)
{
    ngx_int_t    rc;
    ngx_chain_t  out;

    r->headers_out.status = status;
    r->headers_out.content_length_n = b->last - b->pos;
    r->headers_out.content_type_len = r->headers_out.content_type.len;
    r->headers_out.content_type_lowcase = NULL;

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    b->memory = 1;
    b->last_buf = 1;
    b->last_in_chain = 1;

    out.buf = b;
    out.next = NULL;

    return ngx_http_output_filter(r, &out);
}


/* The code comes from the client: bytes that are no ASCII may be no UTF-8. */

static ngx_int_t
ngx_http_tollgate_self_not_found(ngx_buf_t *b, ngx_http_request_t *r,
    ngx_str_t *app)
{
    u_char     text[32 + NGX_HTTP_TOLLGATE_CODE_LEN];
    size_t     i;
    ngx_str_t  detail;

    detail.data = text;
    detail.len = ngx_sprintf(text, "there is no app \"%*s\"",
                             ngx_min(app->len, NGX_HTTP_TOLLGATE_CODE_LEN),
                             app->data)
                 - text;

    for (i = 0; i < detail.len; i++) {
        if (text[i] >= 0x7f) {
            text[i] = '?';
        }
    }

    if (ngx_http_tollgate_self_room(r, b, NGX_HTTP_TOLLGATE_SELF_ROW
                                          + 12 * detail.len)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    b->last = ngx_sprintf(b->last, "{\"type\":\"urn:tollgate:app_not_found\","
                          "\"title\":\"Not found\",\"status\":404,"
                          "\"code\":\"app_not_found\"");
    b->last = ngx_http_tollgate_self_text(b->last, ",\"detail\":", &detail);
    b->last = ngx_http_tollgate_self_text(b->last, ",\"error\":{\"message\":",
                                          &detail);
    b->last = ngx_sprintf(b->last, ",\"type\":\"not_found_error\","
                          "\"code\":\"app_not_found\",\"param\":null}}" CRLF);

    return NGX_OK;
}


static ngx_int_t
ngx_http_tollgate_self_quota(ngx_http_request_t *r,
    ngx_http_tollgate_ctx_t *ctx, ngx_http_tollgate_catalog_t *catalog,
    ngx_buf_t *b)
{
    u_char                     *p;
    ngx_str_t                   account, lines;
    ngx_uint_t                  i, n;
    ngx_http_tollgate_rank_t   *tier, *plan;
    ngx_http_tollgate_named_t   named;
    ngx_http_tollgate_limit_t   rate[2];

    n = 2;
    lines = ctx->named;

    while (ngx_http_tollgate_named_next(&lines, &named) == NGX_OK) {
        n++;
    }

    tier = ngx_http_tollgate_catalog_tier(catalog, ctx->plan_tier);
    plan = ngx_http_tollgate_self_find(&catalog->plans, &ctx->plan);

    if (plan == NULL) {
        plan = ngx_http_tollgate_self_find(&catalog->private, &ctx->plan);
    }

    if (ngx_http_tollgate_self_room(r, b, n * NGX_HTTP_TOLLGATE_SELF_ROW
                                          + 6 * (ctx->plan.len + ctx->mode.len
                                          + (plan ? plan->name.len : 0)))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    account.len = NGX_HTTP_TOLLGATE_ACCOUNT_LEN;
    account.data = ctx->charge.account;

    p = ngx_http_tollgate_self_text(b->last, "{\"account\":", &account);
    p = ngx_http_tollgate_self_text(p, ",\"plan\":", &ctx->plan);
    p = ngx_http_tollgate_self_text(p, ",\"plan_name\":",
                                    plan ? &plan->name : NULL);
    p = ngx_http_tollgate_self_text(p, ",\"tier\":",
                                    tier ? &tier->code : NULL);
    p = ngx_http_tollgate_self_text(p, ",\"mode\":", &ctx->mode);
    p = ngx_http_tollgate_self_credits(p, ",\"balance\":",
                                       ctx->avail + ctx->held);
    p = ngx_http_tollgate_self_credits(p, ",\"held\":", ctx->held);

    p = ngx_http_tollgate_self_limit(p, ",\"windows\":[{\"window\":", "day",
                              &ctx->limits[NGX_HTTP_TOLLGATE_DAY],
                              ctx->used[0]);
    p = ngx_http_tollgate_self_limit(p, ",{\"window\":", "month",
                              &ctx->limits[NGX_HTTP_TOLLGATE_MONTH],
                              ctx->used[1]);

    for (i = 0; i < 2; i++) {
        rate[i] = ctx->limits[NGX_HTTP_TOLLGATE_KEY_RATE + i];

        if (rate[i].max > 0) {
            rate[i].reset = ngx_time() + (rate[i].reset + 999) / 1000;

        } else {
            rate[i].max = -1;
            rate[i].reset = 0;
        }
    }

    p = ngx_http_tollgate_self_limit(p, "],\"rates\":[{\"rate\":", "key",
                                     &rate[0], -1);
    p = ngx_http_tollgate_self_limit(p, ",{\"rate\":", "app", &rate[1], -1);

    p = ngx_sprintf(p, "],\"limits\":[");

    lines = ctx->named;

    while (ngx_http_tollgate_named_next(&lines, &named) == NGX_OK) {
        p = ngx_http_tollgate_self_named(p, &named);
    }

    b->last = ngx_cpymem(p, "]}" CRLF, 4);

    return NGX_OK;
}


/* Credits are decimal strings, all else are numbers. */

static u_char *
ngx_http_tollgate_self_named(u_char *p, ngx_http_tollgate_named_t *named)
{
    p = ngx_sprintf(p, "%s{\"name\":\"%V\",\"meter\":\"%V\",\"window\":",
                    p[-1] == '[' ? "" : ",", &named->name, &named->meter);

    p = named->rate || named->running ? ngx_cpymem(p, "null", 4)
        : ngx_sprintf(p, "\"%V\"", &named->window);

    p = ngx_sprintf(p, ",\"effect\":\"%V\"", &named->effect);

    if (named->credits) {
        p = ngx_http_tollgate_self_credits(p, ",\"limit\":", named->limit.max);
        p = ngx_http_tollgate_self_credits(p, ",\"remaining\":",
                                           named->limit.left);
    } else {
        p = ngx_sprintf(p, ",\"limit\":%L,\"remaining\":%L",
                        named->limit.max, named->limit.left);
    }

    p = ngx_http_tollgate_self_time(p, (time_t) (named->rate
                  ? ngx_time() + (named->limit.reset + 999) / 1000
                  : named->limit.reset));
    *p++ = '}';

    return p;
}


ngx_http_tollgate_rank_t *
ngx_http_tollgate_self_find(ngx_array_t *ranks, ngx_str_t *code)
{
    ngx_uint_t                 i;
    ngx_http_tollgate_rank_t  *rank;

    rank = ranks->elts;

    for (i = 0; i < ranks->nelts; i++) {
        if (rank[i].code.len == code->len
            && ngx_memcmp(rank[i].code.data, code->data, code->len) == 0)
        {
            return &rank[i];
        }
    }

    return NULL;
}


/* A limit of -1 is none, and of one that isn't counted up used is -1. */

static u_char *
ngx_http_tollgate_self_limit(u_char *p, const char *kind, const char *name,
    ngx_http_tollgate_limit_t *limit, int64_t used)
{
    p = ngx_sprintf(p, "%s\"%s\"", kind, name);

    p = limit->max < 0 ? ngx_sprintf(p, ",\"limit\":null")
                       : ngx_sprintf(p, ",\"limit\":%L", limit->max);

    if (used >= 0) {
        p = ngx_sprintf(p, ",\"used\":%L", used);
    }

    p = limit->max < 0 ? ngx_sprintf(p, ",\"remaining\":null")
                       : ngx_sprintf(p, ",\"remaining\":%L", limit->left);

    p = ngx_http_tollgate_self_time(p, (time_t) limit->reset);
    *p++ = '}';

    return p;
}


ngx_int_t
ngx_http_tollgate_self_room(ngx_http_request_t *r, ngx_buf_t *b, size_t size)
{
    b->start = ngx_pnalloc(r->pool, size);
    if (b->start == NULL) {
        return NGX_ERROR;
    }

    b->pos = b->start;
    b->last = b->start;
    b->end = b->start + size;

    return NGX_OK;
}


u_char *
ngx_http_tollgate_self_text(u_char *p, const char *name, ngx_str_t *text)
{
    p = ngx_sprintf(p, "%s", name);

    if (text == NULL) {
        return ngx_cpymem(p, "null", 4);
    }

    *p++ = '"';
    p = (u_char *) ngx_escape_json(p, text->data, text->len);
    *p++ = '"';

    return p;
}


u_char *
ngx_http_tollgate_self_credits(u_char *p, const char *name, int64_t credits)
{
    p = ngx_sprintf(p, "%s\"", name);
    p = ngx_http_tollgate_credits(p, credits);
    *p++ = '"';

    return p;
}


/* The member "resets_at", null where that is 0. */

u_char *
ngx_http_tollgate_self_time(u_char *p, time_t at)
{
    ngx_tm_t  tm;

    if (at == 0) {
        return ngx_sprintf(p, ",\"resets_at\":null");
    }

    ngx_gmtime(at, &tm);

    return ngx_sprintf(p, ",\"resets_at\":\"%4d-%02d-%02dT%02d:%02d:%02dZ\"",
                       tm.ngx_tm_year, tm.ngx_tm_mon, tm.ngx_tm_mday,
                       tm.ngx_tm_hour, tm.ngx_tm_min, tm.ngx_tm_sec);
}


/* "quota", "apps", or "models" and which app's */

char *
ngx_http_tollgate_conf_self(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_tollgate_loc_conf_t *tlcf = conf;

    ngx_str_t                 *value;
    ngx_http_core_loc_conf_t  *clcf;
    ngx_http_tollgate_self_t  *self;

    if (tlcf->self != NULL) {
        return "is duplicate";
    }

    value = cf->args->elts;

    for (self = ngx_http_tollgate_selves; self->name.len; self++) {
        if (self->name.len == value[1].len
            && ngx_memcmp(self->name.data, value[1].data, value[1].len) == 0)
        {
            break;
        }
    }

    if (self->name.len == 0 || self->args != cf->args->nelts) {
        return "must be \"quota\", \"apps\" or \"models\" and an app, "
               "such as \"models $app\"";
    }

    if (self->args == 3) {
        tlcf->self_app = ngx_http_tollgate_conf_complex(cf, &value[2]);
        if (tlcf->self_app == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    if (ngx_http_tollgate_conf_at(cf, &tlcf->self_at) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    tlcf->self = self;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    clcf->handler = ngx_http_tollgate_self_handler;

    return NGX_CONF_OK;
}


/* "if" and "limit_except" are the same place, other locations are not. */

void
ngx_http_tollgate_self_merge(ngx_conf_t *cf,
    ngx_http_tollgate_loc_conf_t *prev, ngx_http_tollgate_loc_conf_t *conf)
{
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (prev->self == NULL || clcf->handler != NULL
        || !(clcf->noname || clcf->lmt_excpt))
    {
        return;
    }

    conf->self = prev->self;
    conf->self_app = prev->self_app;
    conf->self_at = prev->self_at;

    clcf->handler = ngx_http_tollgate_self_handler;
}
