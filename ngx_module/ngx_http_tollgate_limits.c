
/*
 * ngx_http_tollgate_limits.c owns the response headers that tell what is left
 * of the limits that fit a request, in all families.
 */


#include "ngx_http_tollgate_deny.h"


/* bytes of an item of a list, without its name */

#define NGX_HTTP_TOLLGATE_LIMITS_ITEM   (sizeof("\"\";q=;w=2678400, ")         \
                                         + 2 * NGX_INT64_LEN)
#define NGX_HTTP_TOLLGATE_LIMITS_VALUE  (2 * NGX_INT64_LEN)


/* what a header tells of a limit */

typedef struct {
    ngx_str_t                        name;
    int64_t                          max;
    int64_t                          left;
    int64_t                          reset;     /* ms until there is all of it
                                                   again, -1: never */
    ngx_uint_t                       window;    /* whole days in s, 0: none */
    ngx_uint_t                       credits;
} ngx_http_tollgate_policy_t;


/* limit, remaining and reset, which each family writes in its own way */

typedef struct {
    ngx_uint_t                       mask;
    const char                      *names[3];
    u_char                        *(*reset)(u_char *p, int64_t ms);
} ngx_http_tollgate_family_t;


typedef struct {
    ngx_str_t                        name;
    ngx_uint_t                       s;
} ngx_http_tollgate_span_t;


static ngx_int_t ngx_http_tollgate_limits_policies(
    ngx_http_tollgate_ctx_t *ctx, ngx_array_t *policies);
static ngx_int_t ngx_http_tollgate_limits_named(ngx_http_tollgate_ctx_t *ctx,
    ngx_array_t *policies);
static ngx_int_t ngx_http_tollgate_limits_ietf(ngx_http_request_t *r,
    ngx_array_t *policies);
static ngx_int_t ngx_http_tollgate_limits_family(ngx_http_request_t *r,
    ngx_http_tollgate_policy_t *policy, ngx_http_tollgate_family_t *family);
static ngx_http_tollgate_policy_t *ngx_http_tollgate_limits_nearest(
    ngx_array_t *policies);
static u_char *ngx_http_tollgate_limits_seconds(u_char *p, int64_t ms);
static u_char *ngx_http_tollgate_limits_duration(u_char *p, int64_t ms);
static u_char *ngx_http_tollgate_limits_time(u_char *p, int64_t ms);
static int64_t ngx_http_tollgate_limits_until(int64_t at);
static ngx_uint_t ngx_http_tollgate_limits_window(ngx_str_t *name,
    int64_t reset);


/* in the order of ngx_http_tollgate_limit_e */

static ngx_str_t  ngx_http_tollgate_limits_plan[] = {
    ngx_string("key"),
    ngx_string("app"),
    ngx_string("day"),
    ngx_string("month")
};


/* windows that are always as long, but for changes of the clocks */

static ngx_http_tollgate_span_t  ngx_http_tollgate_limits_spans[] = {
    { ngx_string("minute"), 60 },
    { ngx_string("hour"), 3600 },
    { ngx_string("day"), 86400 },
    { ngx_string("week"), 604800 },
    { ngx_null_string, 0 }
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
    ngx_array_t                  policies;
    ngx_http_tollgate_family_t  *f;
    ngx_http_tollgate_policy_t  *nearest;

    if (ngx_array_init(&policies, r->pool, NGX_HTTP_TOLLGATE_LIMITS,
                       sizeof(ngx_http_tollgate_policy_t))
        != NGX_OK
        || ngx_http_tollgate_limits_policies(ctx, &policies) != NGX_OK
        || ngx_http_tollgate_limits_named(ctx, &policies) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (policies.nelts
        && (ctx->conf->headers & NGX_HTTP_TOLLGATE_HEADERS_IETF)
        && ngx_http_tollgate_limits_ietf(r, &policies) != NGX_OK)
    {
        return NGX_ERROR;
    }

    nearest = ngx_http_tollgate_limits_nearest(&policies);

    for (f = ngx_http_tollgate_limits_families; f->mask && nearest; f++) {
        if ((ctx->conf->headers & f->mask)
            && ngx_http_tollgate_limits_family(r, nearest, f) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* The limits that every plan may have. */

static ngx_int_t
ngx_http_tollgate_limits_policies(ngx_http_tollgate_ctx_t *ctx,
    ngx_array_t *policies)
{
    ngx_uint_t                   i;
    ngx_http_tollgate_limit_t   *l;
    ngx_http_tollgate_policy_t  *policy;

    for (i = 0; i < NGX_HTTP_TOLLGATE_LIMITS; i++) {
        l = &ctx->limits[i];

        if (i < NGX_HTTP_TOLLGATE_DAY ? l->max <= 0
                                      : l->max < 0 || l->reset <= 0)
        {
            continue;
        }

        policy = ngx_array_push(policies);
        if (policy == NULL) {
            return NGX_ERROR;
        }

        policy->name = ngx_http_tollgate_limits_plan[i];
        policy->max = l->max;
        policy->left = ngx_max(l->left, 0);
        policy->credits = 0;

        if (i < NGX_HTTP_TOLLGATE_DAY) {
            policy->reset = l->reset;
            policy->window = 0;

        } else {
            policy->reset = ngx_http_tollgate_limits_until(l->reset);
            policy->window = ngx_http_tollgate_limits_window(&policy->name,
                                                             l->reset);
        }
    }

    return NGX_OK;
}


/* Those with a name that refuse, by the window; credits in whole ones. */

static ngx_int_t
ngx_http_tollgate_limits_named(ngx_http_tollgate_ctx_t *ctx,
    ngx_array_t *policies)
{
    int64_t                      unit;
    ngx_str_t                    lines;
    ngx_http_tollgate_named_t    named;
    ngx_http_tollgate_policy_t  *policy;

    lines = ctx->named;

    while (ngx_http_tollgate_named_next(&lines, &named) == NGX_OK) {

        if (!named.refuses || named.running) {
            continue;
        }

        policy = ngx_array_push(policies);
        if (policy == NULL) {
            return NGX_ERROR;
        }

        unit = named.credits ? NGX_HTTP_TOLLGATE_CREDIT : 1;

        policy->name = named.name;
        policy->max = named.limit.max / unit;
        policy->left = named.limit.left / unit;
        policy->credits = named.credits;

        if (named.rate) {
            policy->reset = named.limit.reset;
            policy->window = 0;

        } else {
            policy->reset = named.limit.reset
                            ? ngx_http_tollgate_limits_until(named.limit.reset)
                            : -1;
            policy->window = ngx_http_tollgate_limits_window(&named.window,
                                                           named.limit.reset);
        }
    }

    return NGX_OK;
}


/* draft-ietf-httpapi-ratelimit-headers-11 */

static ngx_int_t
ngx_http_tollgate_limits_ietf(ngx_http_request_t *r, ngx_array_t *policies)
{
    u_char                      *p, *lp, *policy, *limit;
    size_t                       size;
    ngx_uint_t                   i;
    ngx_http_tollgate_policy_t  *l;

    l = policies->elts;
    size = 0;

    for (i = 0; i < policies->nelts; i++) {
        size += NGX_HTTP_TOLLGATE_LIMITS_ITEM + l[i].name.len;
    }

    policy = ngx_pnalloc(r->pool, 2 * size);
    if (policy == NULL) {
        return NGX_ERROR;
    }

    limit = policy + size;
    p = policy;
    lp = limit;

    for (i = 0; i < policies->nelts; i++) {
        p = ngx_sprintf(p, "%s\"%V\";q=%L", i ? ", " : "", &l[i].name,
                        l[i].max);

        if (l[i].window) {
            p = ngx_sprintf(p, ";w=%ui", l[i].window);
        }

        lp = ngx_sprintf(lp, "%s\"%V\";r=%L", i ? ", " : "", &l[i].name,
                         l[i].left);

        if (l[i].reset >= 0) {
            lp = ngx_sprintf(lp, ";t=%L", (l[i].reset + 999) / 1000);
        }
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
    ngx_str_t  *name;

    name = ngx_http_tollgate_verdict_limit_name(ctx);

    if (name == NULL) {
        return p;
    }

    if (ctx->refused_by < NGX_HTTP_TOLLGATE_LIMITS) {
        name = &ngx_http_tollgate_limits_plan[ctx->refused_by];
    }

    return ngx_sprintf(p, ",\"violated-policies\":[\"%V\"]", name);
}


static ngx_int_t
ngx_http_tollgate_limits_family(ngx_http_request_t *r,
    ngx_http_tollgate_policy_t *policy, ngx_http_tollgate_family_t *family)
{
    u_char      *p, *last;
    ngx_uint_t   i;

    for (i = 0; i < (policy->reset < 0 ? 2 : 3); i++) {
        p = ngx_pnalloc(r->pool, NGX_HTTP_TOLLGATE_LIMITS_VALUE);
        if (p == NULL) {
            return NGX_ERROR;
        }

        last = i == 0 ? ngx_sprintf(p, "%L", policy->max)
               : i == 1 ? ngx_sprintf(p, "%L", policy->left)
               : family->reset(p, policy->reset);

        if (ngx_http_tollgate_header(r, family->names[i], p, last - p)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/*
 * The limit that is nearest to its end, NULL where there is none: of requests
 * or units, for these headers count no credits.
 */

static ngx_http_tollgate_policy_t *
ngx_http_tollgate_limits_nearest(ngx_array_t *policies)
{
    int64_t                      share, least;
    ngx_uint_t                   i;
    ngx_http_tollgate_policy_t  *l, *found;

    least = 0;
    found = NULL;
    l = policies->elts;

    for (i = 0; i < policies->nelts; i++) {

        if (l[i].credits) {
            continue;
        }

        share = l[i].max > 0 ? (int64_t) (1000.0 * l[i].left / l[i].max) : 0;

        if (found == NULL || share < least) {
            least = share;
            found = &l[i];
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


static int64_t
ngx_http_tollgate_limits_until(int64_t at)
{
    return 1000 * ngx_max(at - ngx_time(), 0);
}


/* Seconds of a whole window, 0 where it has no end. */

static ngx_uint_t
ngx_http_tollgate_limits_window(ngx_str_t *name, int64_t reset)
{
    time_t                     start;
    ngx_tm_t                   tm;
    ngx_http_tollgate_span_t  *span;

    for (span = ngx_http_tollgate_limits_spans; span->s; span++) {
        if (span->name.len == name->len
            && ngx_memcmp(span->name.data, name->data, name->len) == 0)
        {
            return span->s;
        }
    }

    if (name->len != 5 || ngx_memcmp(name->data, "month", 5) != 0) {
        return 0;
    }

    /*
     * 27 days before its end is in the month whose length it has, be it that
     * of a calendar, in any time zone, or one between two anniversaries
     */

    start = (time_t) reset - 27 * 86400;

    ngx_gmtime(start, &tm);
    ngx_gmtime(start + (32 - tm.ngx_tm_mday) * 86400, &tm);

    return (32 - tm.ngx_tm_mday) * 86400;
}
