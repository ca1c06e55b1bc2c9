
/*
 * ngx_http_tollgate_fact.c owns what is told of a refusal, whatever the form:
 * the facts that its verdict has, and how they are called.
 */


#include "ngx_http_tollgate_catalog.h"
#include "ngx_http_tollgate_deny.h"
#include "ngx_http_tollgate_scan.h"


typedef struct {
    ngx_str_t                        title[NGX_HTTP_TOLLGATE_LANGUAGES];
    ngx_str_t                        detail[NGX_HTTP_TOLLGATE_LANGUAGES];
} ngx_http_tollgate_words_t;


static void ngx_http_tollgate_fact_reason(ngx_str_t *fact,
    ngx_http_tollgate_body_t *body);
static ngx_int_t ngx_http_tollgate_fact_short(ngx_http_request_t *r,
    ngx_http_tollgate_ctx_t *ctx, ngx_str_t *facts);
static ngx_int_t ngx_http_tollgate_fact_plans(ngx_http_request_t *r,
    ngx_http_tollgate_ctx_t *ctx, ngx_str_t *facts);
static ngx_int_t ngx_http_tollgate_fact_content(ngx_http_request_t *r,
    ngx_http_tollgate_ctx_t *ctx, ngx_str_t *facts);
static ngx_int_t ngx_http_tollgate_fact_units(ngx_http_request_t *r,
    ngx_http_tollgate_ctx_t *ctx, ngx_str_t *facts);
static ngx_int_t ngx_http_tollgate_fact_resets(ngx_http_request_t *r,
    ngx_http_tollgate_ctx_t *ctx, ngx_str_t *facts);
static void ngx_http_tollgate_fact_code(ngx_str_t *fact, ngx_str_t *code);
static ngx_int_t ngx_http_tollgate_fact_rank(ngx_http_request_t *r,
    ngx_str_t *fact, ngx_http_tollgate_rank_t *rank);
static ngx_int_t ngx_http_tollgate_fact_credits(ngx_http_request_t *r,
    ngx_str_t *fact, int64_t credits);


#define FACT(name, member, en, th, id)                                        \
    { ngx_string(member),                                                     \
      { ngx_string(en), ngx_string(th), ngx_string(id) } },
#define TEXT(name, en, th_title, th, id_title, id)

ngx_http_tollgate_fact_t  ngx_http_tollgate_facts[] = {
#include "ngx_http_tollgate_texts.h"
};

#undef FACT
#undef TEXT


#define FACT(name, member, en, th, id)
#define TEXT(name, en, th_title, th, id_title, id)                            \
    [NGX_HTTP_TOLLGATE_##name] = {                                            \
        { ngx_null_string, ngx_string(th_title), ngx_string(id_title) },      \
        { ngx_string(en), ngx_string(th), ngx_string(id) } },

static ngx_http_tollgate_words_t
    ngx_http_tollgate_fact_words[NGX_HTTP_TOLLGATE_VERDICTS] = {
#include "ngx_http_tollgate_texts.h"
};

#undef FACT
#undef TEXT


ngx_int_t
ngx_http_tollgate_fact(ngx_http_request_t *r, ngx_http_tollgate_ctx_t *ctx,
    ngx_str_t *facts)
{
    ngx_str_t  *name;

    ngx_memzero(facts, NGX_HTTP_TOLLGATE_FACTS * sizeof(ngx_str_t));

    if (ngx_http_tollgate_verdicts[ctx->verdict].status == 0) {
        return NGX_OK;
    }

    facts[NGX_HTTP_TOLLGATE_FACT_REQUEST_ID].data = ctx->charge.request_id.data;
    facts[NGX_HTTP_TOLLGATE_FACT_REQUEST_ID].len = ctx->charge.request_id.len;

    if (ctx->known && ctx->link == NULL) {
        facts[NGX_HTTP_TOLLGATE_FACT_PLAN] = ctx->plan;
    }

    /* who has a link need not be the customer */

    switch (ctx->link != NULL ? NGX_HTTP_TOLLGATE_OFF : ctx->verdict) {

    case NGX_HTTP_TOLLGATE_BODY_INVALID:
        ngx_http_tollgate_fact_reason(&facts[NGX_HTTP_TOLLGATE_FACT_REASON],
                                      ctx->body);
        return NGX_OK;

    case NGX_HTTP_TOLLGATE_FEATURE_UNKNOWN:
        ngx_http_tollgate_fact_code(&facts[NGX_HTTP_TOLLGATE_FACT_FEATURE],
                                    &ctx->feature);
        return NGX_OK;

    case NGX_HTTP_TOLLGATE_MODEL_UNKNOWN:
    case NGX_HTTP_TOLLGATE_MODEL_FORBIDDEN:
        ngx_http_tollgate_fact_code(&facts[NGX_HTTP_TOLLGATE_FACT_MODEL],
                                    &ctx->model);
        return NGX_OK;

    case NGX_HTTP_TOLLGATE_CONTENT_UNKNOWN:
        ngx_http_tollgate_fact_code(&facts[NGX_HTTP_TOLLGATE_FACT_CONTENT],
                                    &ctx->content);
        return NGX_OK;

    case NGX_HTTP_TOLLGATE_CONTENT_LOCKED:
        return ngx_http_tollgate_fact_content(r, ctx, facts);

    case NGX_HTTP_TOLLGATE_TIER_REQUIRED:
        return ngx_http_tollgate_fact_plans(r, ctx, facts);

    case NGX_HTTP_TOLLGATE_QUOTA_EXCEEDED:
        if (ngx_http_tollgate_fact_units(r, ctx, facts) != NGX_OK) {
            return NGX_ERROR;
        }

        return ngx_http_tollgate_fact_resets(r, ctx, facts);

    case NGX_HTTP_TOLLGATE_CONCURRENCY_LIMITED:
        name = ngx_http_tollgate_verdict_limit_name(ctx);

        if (name != NULL) {
            facts[NGX_HTTP_TOLLGATE_FACT_LIMIT] = *name;
        }

        return NGX_OK;

    case NGX_HTTP_TOLLGATE_CAP_REACHED:
    case NGX_HTTP_TOLLGATE_RATE_LIMITED:
        return ngx_http_tollgate_fact_resets(r, ctx, facts);

    case NGX_HTTP_TOLLGATE_CREDITS_EXHAUSTED:
        return ngx_http_tollgate_fact_short(r, ctx, facts);

    default:
        return NGX_OK;
    }
}


static ngx_int_t
ngx_http_tollgate_fact_short(ngx_http_request_t *r,
    ngx_http_tollgate_ctx_t *ctx, ngx_str_t *facts)
{
    if (ngx_http_tollgate_fact_credits(r,
                                     &facts[NGX_HTTP_TOLLGATE_FACT_REQUIRED],
                                     ctx->cost)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_tollgate_fact_credits(r,
                                     &facts[NGX_HTTP_TOLLGATE_FACT_AVAILABLE],
                                     ctx->avail);
}


/* A body that nginx itself refused has none. */

static void
ngx_http_tollgate_fact_reason(ngx_str_t *fact, ngx_http_tollgate_body_t *body)
{
    if (body->scan.fault != NULL) {
        fact->data = (u_char *) body->scan.fault;
        fact->len = ngx_strlen(body->scan.fault);
    }
}


/* The tier that the plan has, the one needed, the cheapest plan, the price. */

static ngx_int_t
ngx_http_tollgate_fact_plans(ngx_http_request_t *r,
    ngx_http_tollgate_ctx_t *ctx, ngx_str_t *facts)
{
    ngx_http_tollgate_catalog_t  *catalog;

    if (ctx->cost > 0
        && ngx_http_tollgate_fact_credits(r,
                                        &facts[NGX_HTTP_TOLLGATE_FACT_PRICE],
                                        ctx->cost)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    catalog = ngx_http_tollgate_catalog_get(
                  ngx_http_get_module_main_conf(r, ngx_http_tollgate_module));

    if (catalog == NULL) {
        return NGX_OK;
    }

    if (ngx_http_tollgate_fact_rank(r, &facts[NGX_HTTP_TOLLGATE_FACT_TIER],
                       ngx_http_tollgate_catalog_tier(catalog, ctx->plan_tier))
        != NGX_OK
        || ngx_http_tollgate_fact_rank(r,
                                &facts[NGX_HTTP_TOLLGATE_FACT_REQUIRED_TIER],
                                ngx_http_tollgate_catalog_tier(catalog,
                                                               ctx->tier))
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_tollgate_fact_rank(r,
                                &facts[NGX_HTTP_TOLLGATE_FACT_REQUIRED_PLAN],
                                ngx_http_tollgate_catalog_plan(catalog,
                                                               ctx->tier));
}


/* What it costs to buy, and the plan that includes it, if one does. */

static ngx_int_t
ngx_http_tollgate_fact_content(ngx_http_request_t *r,
    ngx_http_tollgate_ctx_t *ctx, ngx_str_t *facts)
{
    ngx_http_tollgate_catalog_t  *catalog;
    ngx_http_tollgate_content_t  *content;

    facts[NGX_HTTP_TOLLGATE_FACT_CONTENT] = ctx->content;

    catalog = ngx_http_tollgate_catalog_get(
                  ngx_http_get_module_main_conf(r, ngx_http_tollgate_module));

    content = catalog ? ngx_http_tollgate_catalog_item(&catalog->contents,
                                                       &ctx->content)
                      : NULL;

    /* a newer catalog may have it no more */

    if (content == NULL) {
        return NGX_OK;
    }

    if (ngx_http_tollgate_fact_credits(r, &facts[NGX_HTTP_TOLLGATE_FACT_PRICE],
                                       content->credits)
        != NGX_OK
        || ngx_http_tollgate_fact_rank(r,
                                &facts[NGX_HTTP_TOLLGATE_FACT_REQUIRED_TIER],
                                ngx_http_tollgate_catalog_tier(catalog,
                                                               content->tier))
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_tollgate_fact_rank(r,
                                &facts[NGX_HTTP_TOLLGATE_FACT_REQUIRED_PLAN],
                                ngx_http_tollgate_catalog_plan(catalog,
                                                               content->tier));
}


static ngx_int_t
ngx_http_tollgate_fact_units(ngx_http_request_t *r,
    ngx_http_tollgate_ctx_t *ctx, ngx_str_t *facts)
{
    u_char                     *p, *last;
    int64_t                     left;
    ngx_http_tollgate_named_t   named;

    p = ngx_pnalloc(r->pool, 2 * NGX_INT64_LEN);
    if (p == NULL) {
        return NGX_ERROR;
    }

    last = ngx_sprintf(p, "%L", ctx->cost_units);

    facts[NGX_HTTP_TOLLGATE_FACT_REQUIRED_UNITS].data = p;
    facts[NGX_HTTP_TOLLGATE_FACT_REQUIRED_UNITS].len = last - p;

    left = ctx->refused_by < NGX_HTTP_TOLLGATE_LIMITS
           ? ngx_http_tollgate_verdict_left(ctx, ctx->refused_by) : -1;

    if (ngx_http_tollgate_named_refuser(ctx, &named) == NGX_OK) {
        left = named.limit.left;
    }

    if (left >= 0) {
        facts[NGX_HTTP_TOLLGATE_FACT_AVAILABLE_UNITS].data = last;
        facts[NGX_HTTP_TOLLGATE_FACT_AVAILABLE_UNITS].len =
                                          ngx_sprintf(last, "%L", left) - last;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_tollgate_fact_resets(ngx_http_request_t *r,
    ngx_http_tollgate_ctx_t *ctx, ngx_str_t *facts)
{
    u_char                     *p;
    ngx_tm_t                    tm;
    ngx_str_t                  *s;
    time_t                      at;
    ngx_http_tollgate_named_t   named;

    s = ngx_http_tollgate_verdict_limit_name(ctx);

    if (s != NULL) {
        facts[NGX_HTTP_TOLLGATE_FACT_LIMIT] = *s;
    }

    at = ngx_time() + (time_t) ((ctx->wait_ms + 999) / 1000);

    if (ctx->refused_by == NGX_HTTP_TOLLGATE_DAY
        || ctx->refused_by == NGX_HTTP_TOLLGATE_MONTH)
    {
        at = (time_t) ctx->limits[ctx->refused_by].reset;

    } else if (ngx_http_tollgate_named_refuser(ctx, &named) == NGX_OK
               && !named.rate)
    {
        if (ctx->wait_ms <= 0) {
            return NGX_OK;
        }

        at = (time_t) named.limit.reset;
    }

    p = ngx_pnalloc(r->pool, sizeof("9007199254740992-12-31T23:59:59Z"));
    if (p == NULL) {
        return NGX_ERROR;
    }

    ngx_gmtime(at, &tm);

    facts[NGX_HTTP_TOLLGATE_FACT_RESETS_AT].data = p;
    facts[NGX_HTTP_TOLLGATE_FACT_RESETS_AT].len =
        ngx_sprintf(p, "%4d-%02d-%02dT%02d:%02d:%02dZ", tm.ngx_tm_year,
                    tm.ngx_tm_mon, tm.ngx_tm_mday, tm.ngx_tm_hour,
                    tm.ngx_tm_min, tm.ngx_tm_sec) - p;

    return NGX_OK;
}


/* What a client said may be long: it is cut to the longest form of a code. */

static void
ngx_http_tollgate_fact_code(ngx_str_t *fact, ngx_str_t *code)
{
    fact->data = code->data;
    fact->len = ngx_min(code->len, NGX_HTTP_TOLLGATE_CODE_LEN);
}


/* Copied, for a newer catalog may take it from under a variable's reader. */

static ngx_int_t
ngx_http_tollgate_fact_rank(ngx_http_request_t *r, ngx_str_t *fact,
    ngx_http_tollgate_rank_t *rank)
{
    if (rank == NULL) {
        return NGX_OK;
    }

    fact->data = ngx_pstrdup(r->pool, &rank->code);
    if (fact->data == NULL) {
        return NGX_ERROR;
    }

    fact->len = rank->code.len;

    return NGX_OK;
}


static ngx_int_t
ngx_http_tollgate_fact_credits(ngx_http_request_t *r, ngx_str_t *fact,
    int64_t credits)
{
    fact->data = ngx_pnalloc(r->pool, NGX_HTTP_TOLLGATE_CREDITS_LEN);
    if (fact->data == NULL) {
        return NGX_ERROR;
    }

    fact->len = ngx_http_tollgate_credits(fact->data, credits) - fact->data;

    return NGX_OK;
}


/* Where the client can buy what it lacks. */

ngx_int_t
ngx_http_tollgate_fact_url(ngx_http_request_t *r, ngx_http_tollgate_ctx_t *ctx,
    ngx_str_t *facts)
{
    ngx_uint_t                 fact;
    ngx_http_complex_value_t  *cv;

    if (ctx->link != NULL) {
        return NGX_OK;
    }

    switch (ctx->verdict) {

    case NGX_HTTP_TOLLGATE_TIER_REQUIRED:
    case NGX_HTTP_TOLLGATE_RATE_LIMITED:
    case NGX_HTTP_TOLLGATE_QUOTA_EXCEEDED:
        fact = NGX_HTTP_TOLLGATE_FACT_UPGRADE_URL;
        cv = ctx->conf->upgrade_url;
        break;

    case NGX_HTTP_TOLLGATE_CONTENT_LOCKED:
    case NGX_HTTP_TOLLGATE_CREDITS_EXHAUSTED:
        fact = NGX_HTTP_TOLLGATE_FACT_TOPUP_URL;
        cv = ctx->conf->topup_url;
        break;

    default:
        return NGX_OK;
    }

    return cv != NULL ? ngx_http_complex_value(r, cv, &facts[fact]) : NGX_OK;
}


/* ms until the request could pass, 0 where it never could */

int64_t
ngx_http_tollgate_fact_wait(ngx_http_tollgate_ctx_t *ctx)
{
    ngx_uint_t  status;

    status = ngx_http_tollgate_verdicts[ctx->verdict].status;

    if (status == NGX_HTTP_SERVICE_UNAVAILABLE) {
        return 1000;
    }

    return status == NGX_HTTP_TOO_MANY_REQUESTS || status == NGX_HTTP_CONFLICT
           ? ctx->wait_ms : 0;
}


ngx_str_t *
ngx_http_tollgate_fact_title(ngx_http_tollgate_ctx_t *ctx, ngx_uint_t language)
{
    ngx_str_t  *title;

    title = &ngx_http_tollgate_fact_words[ctx->verdict].title[language];

    return title->len ? title
                      : &ngx_http_tollgate_verdicts[ctx->verdict].title;
}


/* Where nothing more is to be said, the title. */

ngx_str_t *
ngx_http_tollgate_fact_detail(ngx_http_tollgate_ctx_t *ctx,
    ngx_uint_t language)
{
    ngx_str_t  *detail;

    detail = &ngx_http_tollgate_fact_words[ctx->verdict].detail[language];

    return detail->len ? detail : ngx_http_tollgate_fact_title(ctx, language);
}
