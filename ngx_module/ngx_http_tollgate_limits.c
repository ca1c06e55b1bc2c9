
/*
 * ngx_http_tollgate_limits.c owns the response headers that tell what is left
 * of the limits of a plan, in all families.
 */


#include "ngx_http_tollgate_deny.h"


#define NGX_HTTP_TOLLGATE_LIMITS_ITEM   (sizeof("\"month\";q=;w=2678400, ")   \
                                         + 2 * NGX_INT64_LEN)
#define NGX_HTTP_TOLLGATE_LIMITS_VALUE  (2 * NGX_INT64_LEN)


/* limit, remaining and reset, which each family writes in its own way */

typedef struct {
    ngx_uint_t                       mask;
    const char                      *names[3];
    u_char                        *(*reset)(u_char *p, int64_t ms);
} ngx_http_tollgate_family_t;


static ngx_int_t ngx_http_tollgate_limits_ietf(ngx_http_request_t *r,
    ngx_http_tollgate_ctx_t *ctx);
static ngx_int_t ngx_http_tollgate_limits_family(ngx_http_request_t *r,
    ngx_http_tollgate_ctx_t *ctx, ngx_http_tollgate_family_t *family);
static ngx_uint_t ngx_http_tollgate_limits_nearest(
    ngx_http_tollgate_ctx_t *ctx);
static u_char *ngx_http_tollgate_limits_seconds(u_char *p, int64_t ms);
static u_char *ngx_http_tollgate_limits_duration(u_char *p, int64_t ms);
static u_char *ngx_http_tollgate_limits_time(u_char *p, int64_t ms);
static int64_t ngx_http_tollgate_limits_reset(ngx_http_tollgate_limit_t *l,
    ngx_uint_t i);
static ngx_uint_t ngx_http_tollgate_limits_window(
    ngx_http_tollgate_limit_t *l, ngx_uint_t i);
static ngx_uint_t ngx_http_tollgate_limits_limited(
    ngx_http_tollgate_limit_t *l, ngx_uint_t i);


/* in the order of ngx_http_tollgate_limit_e */

static const char  *ngx_http_tollgate_limits_policies[] = {
    "key", "app", "day", "month"
};


static ngx_http_tollgate_family_t  ngx_http_tollgate_limits_families[] = {
    { NGX_HTTP_TOLLGATE_HEADERS_LEGACY,
      { "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset" },
      ngx_http_tollgate_limits_seconds },

    { NGX_HTTP_TOLLGATE_HEADERS_OPENAI,
      { "x-ratelimit-limit-requests", "x-ratelimit-remaining-requests",
        "x-ratelimit-reset-requests" },
      ngx_http_tollgate_limits_duration },

    { NGX_HTTP_TOLLGATE_HEADERS_ANTHROPIC,
      { "anthropic-ratelimit-requests-limit",
        "anthropic-ratelimit-requests-remaining",
        "anthropic-ratelimit-requests-reset" },
      ngx_http_tollgate_limits_time },

    { 0, { NULL, NULL, NULL }, NULL }
};


ngx_int_t
ngx_http_tollgate_limits(ngx_http_request_t *r,
    ngx_http_tollgate_ctx_t *ctx)
{
    ngx_http_tollgate_family_t  *f;

    if ((ctx->conf->headers & NGX_HTTP_TOLLGATE_HEADERS_IETF)
        && ngx_http_tollgate_limits_ietf(r, ctx) != NGX_OK)
    {
        return NGX_ERROR;
    }

    for (f = ngx_http_tollgate_limits_families; f->mask; f++) {
        if ((ctx->conf->headers & f->mask)
            && ngx_http_tollgate_limits_family(r, ctx, f) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* draft-ietf-httpapi-ratelimit-headers-11 */

static ngx_int_t
ngx_http_tollgate_limits_ietf(ngx_http_request_t *r,
    ngx_http_tollgate_ctx_t *ctx)
{
    u_char                     *p, *policy, *limit, *lp, *comma;
    ngx_uint_t                  i, w;
    ngx_http_tollgate_limit_t  *l;

    policy = NULL;
    limit = NULL;
    p = NULL;
    lp = NULL;

    for (i = 0; i < NGX_HTTP_TOLLGATE_LIMITS; i++) {
        l = &ctx->limits[i];

        if (!ngx_http_tollgate_limits_limited(l, i)) {
            continue;
        }

        comma = (u_char *) ", ";

        if (policy == NULL) {
            policy = ngx_pnalloc(r->pool, 2 * NGX_HTTP_TOLLGATE_LIMITS
                                          * NGX_HTTP_TOLLGATE_LIMITS_ITEM);
            if (policy == NULL) {
                return NGX_ERROR;
            }

            limit = policy + NGX_HTTP_TOLLGATE_LIMITS
                             * NGX_HTTP_TOLLGATE_LIMITS_ITEM;
            p = policy;
            lp = limit;
            comma = (u_char *) "";
        }

        p = ngx_sprintf(p, "%s\"%s\";q=%L", comma,
                        ngx_http_tollgate_limits_policies[i], l->max);

        w = ngx_http_tollgate_limits_window(l, i);

        if (w) {
            p = ngx_sprintf(p, ";w=%ui", w);
        }

        lp = ngx_sprintf(lp, "%s\"%s\";r=%L;t=%L", comma,
                         ngx_http_tollgate_limits_policies[i],
                         ngx_max(l->left, 0),
                         (ngx_http_tollgate_limits_reset(l, i) + 999) / 1000);
    }

    if (policy == NULL) {
        return NGX_OK;
    }

    if (ngx_http_tollgate_header(r, "RateLimit-Policy", policy, p - policy)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_tollgate_header(r, "RateLimit", limit, lp - limit);
}


/* The same draft's member of a problem, by the names of policies. */

u_char *
ngx_http_tollgate_limits_violated(u_char *p, ngx_http_tollgate_ctx_t *ctx)
{
    if (ngx_http_tollgate_verdict_limit_name(ctx) == NULL) {
        return p;
    }

    return ngx_sprintf(p, ",\"violated-policies\":[\"%s\"]",
                       ngx_http_tollgate_limits_policies[ctx->refused_by]);
}


/* Of the limit that is nearest to its end. */

static ngx_int_t
ngx_http_tollgate_limits_family(ngx_http_request_t *r,
    ngx_http_tollgate_ctx_t *ctx, ngx_http_tollgate_family_t *family)
{
    u_char                     *p, *last;
    ngx_uint_t                  i, found;
    ngx_http_tollgate_limit_t  *l;

    found = ngx_http_tollgate_limits_nearest(ctx);

    if (found == NGX_HTTP_TOLLGATE_LIMITS) {
        return NGX_OK;
    }

    l = &ctx->limits[found];

    for (i = 0; i < 3; i++) {
        p = ngx_pnalloc(r->pool, NGX_HTTP_TOLLGATE_LIMITS_VALUE);
        if (p == NULL) {
            return NGX_ERROR;
        }

        last = i == 0 ? ngx_sprintf(p, "%L", l->max)
               : i == 1 ? ngx_sprintf(p, "%L", ngx_max(l->left, 0))
               : family->reset(p, ngx_http_tollgate_limits_reset(l, found));

        if (ngx_http_tollgate_header(r, family->names[i], p, last - p)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* _LIMITS where there is none */

static ngx_uint_t
ngx_http_tollgate_limits_nearest(ngx_http_tollgate_ctx_t *ctx)
{
    int64_t                     share, least;
    ngx_uint_t                  i, found;
    ngx_http_tollgate_limit_t  *l;

    least = 0;
    found = NGX_HTTP_TOLLGATE_LIMITS;

    for (i = 0; i < NGX_HTTP_TOLLGATE_LIMITS; i++) {
        l = &ctx->limits[i];

        if (!ngx_http_tollgate_limits_limited(l, i)) {
            continue;
        }

        share = l->left > 0 && l->max > 0 ? l->left * 1000 / l->max : 0;

        if (found == NGX_HTTP_TOLLGATE_LIMITS || share < least) {
            least = share;
            found = i;
        }
    }

    return found;
}


static u_char *
ngx_http_tollgate_limits_seconds(u_char *p, int64_t ms)
{
    return ngx_sprintf(p, "%L", (ms + 999) / 1000);
}


/* As OpenAI writes it: 20ms, 3s, 6m0s, 5h0m12s. */

static u_char *
ngx_http_tollgate_limits_duration(u_char *p, int64_t ms)
{
    int64_t  s;

    if (ms > 0 && ms < 1000) {
        return ngx_sprintf(p, "%Lms", ms);
    }

    s = (ms + 999) / 1000;

    if (s >= 3600) {
        p = ngx_sprintf(p, "%Lh", s / 3600);
    }

    if (s >= 60) {
        p = ngx_sprintf(p, "%Lm", s / 60 % 60);
    }

    return ngx_sprintf(p, "%Ls", s % 60);
}


static u_char *
ngx_http_tollgate_limits_time(u_char *p, int64_t ms)
{
    ngx_tm_t  tm;

    ngx_gmtime(ngx_time() + (time_t) ((ms + 999) / 1000), &tm);

    return ngx_sprintf(p, "%4d-%02d-%02dT%02d:%02d:%02dZ", tm.ngx_tm_year,
                       tm.ngx_tm_mon, tm.ngx_tm_mday, tm.ngx_tm_hour,
                       tm.ngx_tm_min, tm.ngx_tm_sec);
}


/* ms until there is all of it again */

static int64_t
ngx_http_tollgate_limits_reset(ngx_http_tollgate_limit_t *l, ngx_uint_t i)
{
    if (i < NGX_HTTP_TOLLGATE_DAY) {
        return l->reset;
    }

    return 1000 * ngx_max(l->reset - ngx_time(), 0);
}


/* Seconds of a whole window; 0 for a rate, which has none. */

static ngx_uint_t
ngx_http_tollgate_limits_window(ngx_http_tollgate_limit_t *l, ngx_uint_t i)
{
    ngx_tm_t  tm;

    if (i == NGX_HTTP_TOLLGATE_DAY) {
        return 86400;
    }

    if (i != NGX_HTTP_TOLLGATE_MONTH) {
        return 0;
    }

    /* the last second of a month knows how many days it had */

    ngx_gmtime((time_t) l->reset - 1, &tm);

    return tm.ngx_tm_mday * 86400;
}


static ngx_uint_t
ngx_http_tollgate_limits_limited(ngx_http_tollgate_limit_t *l, ngx_uint_t i)
{
    return i < NGX_HTTP_TOLLGATE_DAY ? l->max > 0 : l->max >= 0 && l->reset > 0;
}
