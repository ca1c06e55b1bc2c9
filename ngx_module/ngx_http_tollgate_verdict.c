
/*
 * ngx_http_tollgate_verdict.c owns the reading of a decision: values of
 * gate.lua become the fields of a context.
 */


#include "ngx_http_tollgate.h"


/* places in gate.lua's answer to one request, docs/design.md counts from 1 */

typedef enum {
    NGX_HTTP_TOLLGATE_AT_VERDICT = 0,
    NGX_HTTP_TOLLGATE_AT_APP,
    NGX_HTTP_TOLLGATE_AT_KEY,
    NGX_HTTP_TOLLGATE_AT_PLAN,
    NGX_HTTP_TOLLGATE_AT_TIER,
    NGX_HTTP_TOLLGATE_AT_MODE,
    NGX_HTTP_TOLLGATE_AT_CREDITS,
    NGX_HTTP_TOLLGATE_AT_UNITS,
    NGX_HTTP_TOLLGATE_AT_AVAIL,
    NGX_HTTP_TOLLGATE_AT_LIMIT,
    NGX_HTTP_TOLLGATE_AT_WAIT,
    NGX_HTTP_TOLLGATE_AT_MORE,
    NGX_HTTP_TOLLGATE_AT_END
} ngx_http_tollgate_at_e;


/* what AT_MORE says is behind them, in this order */

#define NGX_HTTP_TOLLGATE_MORE_RATES   1        /* of the key, of the app */
#define NGX_HTTP_TOLLGATE_MORE_QUOTA   2        /* of the day, of the month */
#define NGX_HTTP_TOLLGATE_MORE_WORDS   4        /* ticket, limits with a name */

#define ngx_http_tollgate_verdict_more(v, what)                               \
    ((v)[NGX_HTTP_TOLLGATE_AT_MORE].integer & (what))


static ngx_http_tollgate_value_t *ngx_http_tollgate_verdict_words(
    ngx_http_tollgate_value_t *v);
static void ngx_http_tollgate_verdict_limits_read(ngx_http_tollgate_ctx_t *ctx,
    ngx_http_tollgate_value_t *v);
static ngx_int_t ngx_http_tollgate_verdict_texts(ngx_http_tollgate_ctx_t *ctx,
    ngx_http_tollgate_value_t *v);
static ngx_int_t ngx_http_tollgate_verdict_check(ngx_http_tollgate_value_t *v);
static ngx_int_t ngx_http_tollgate_verdict_find(ngx_str_t *code,
    ngx_http_tollgate_verdict_e *verdict);
static ngx_http_tollgate_limit_e ngx_http_tollgate_verdict_limit(
    ngx_str_t *name);
static ngx_int_t ngx_http_tollgate_verdict_copy(ngx_http_tollgate_ctx_t *ctx,
    ngx_str_t *to, ngx_str_t *from);


#define VERDICT(name, code, status, type, title)                              \
    { ngx_string(code), status, ngx_string(type), ngx_string(title) },

ngx_http_tollgate_verdict_t  ngx_http_tollgate_verdicts[] = {
#include "verdict_table.h"
};

#undef VERDICT


/* in the order of ngx_http_tollgate_limit_e */

static ngx_str_t  ngx_http_tollgate_verdict_limits[] = {
    ngx_string("key_rate"),
    ngx_string("app_rate"),
    ngx_string("day"),
    ngx_string("month")
};


ngx_uint_t
ngx_http_tollgate_verdict_width(ngx_http_tollgate_value_t *v, ngx_uint_t max)
{
    ngx_uint_t                  width;
    ngx_http_tollgate_value_t  *more;

    if (max < NGX_HTTP_TOLLGATE_AT_END) {
        return 0;
    }

    more = &v[NGX_HTTP_TOLLGATE_AT_MORE];

    if (more->type != REDIS_REPLY_INTEGER || more->integer < 0
        || more->integer > (NGX_HTTP_TOLLGATE_MORE_RATES
                            | NGX_HTTP_TOLLGATE_MORE_QUOTA
                            | NGX_HTTP_TOLLGATE_MORE_WORDS))
    {
        return 0;
    }

    width = NGX_HTTP_TOLLGATE_AT_END;

    if (ngx_http_tollgate_verdict_more(v, NGX_HTTP_TOLLGATE_MORE_RATES)) {
        width += 6;
    }

    if (ngx_http_tollgate_verdict_more(v, NGX_HTTP_TOLLGATE_MORE_QUOTA)) {
        width += 6;
    }

    if (ngx_http_tollgate_verdict_more(v, NGX_HTTP_TOLLGATE_MORE_WORDS)) {
        width += 2;
    }

    return width <= max ? width : 0;
}


/* Reads v into ctx, which may be without a request where nobody waits. */

ngx_int_t
ngx_http_tollgate_verdict_read(ngx_http_tollgate_ctx_t *ctx,
    ngx_http_tollgate_ask_t *ask, ngx_http_tollgate_value_t *v)
{
    ngx_http_tollgate_value_t   *l;
    ngx_http_tollgate_charge_t  *charge;

    if (ngx_http_tollgate_verdict_check(v) != NGX_OK
        || ngx_http_tollgate_verdict_find(&v[0].str, &ctx->verdict) != NGX_OK)
    {
        return NGX_ERROR;
    }

    charge = &ctx->charge;

    ngx_http_tollgate_text(&charge->app, &v[NGX_HTTP_TOLLGATE_AT_APP].str);
    ngx_http_tollgate_text(&charge->key, &v[NGX_HTTP_TOLLGATE_AT_KEY].str);

    l = ngx_http_tollgate_verdict_words(v);
    charge->ticket.len = l ? l->str.len : 0;

    if (charge->ticket.len) {
        ngx_memcpy(charge->ticket.data, l->str.data, l->str.len);
    }

    /* a refusal has no ticket, but may say that what it lacks is on lease */

    ctx->lent = ctx->verdict != NGX_HTTP_TOLLGATE_PASS && l != NULL
                && ngx_http_tollgate_named_is(&l->str, "lent");

    if (ctx->lent) {
        charge->ticket.len = 0;
    }

    charge->epoch = ask->charge.epoch;
    charge->credits = v[NGX_HTTP_TOLLGATE_AT_CREDITS].integer;
    charge->units = v[NGX_HTTP_TOLLGATE_AT_UNITS].integer;

    ctx->plan_tier = v[NGX_HTTP_TOLLGATE_AT_TIER].integer;
    ctx->avail = v[NGX_HTTP_TOLLGATE_AT_AVAIL].integer;
    ctx->wait_ms = v[NGX_HTTP_TOLLGATE_AT_WAIT].integer;
    l = &v[NGX_HTTP_TOLLGATE_AT_LIMIT];
    ctx->refused_by = ngx_http_tollgate_verdict_limit(&l->str);
    ctx->ruled = ngx_http_tollgate_named_is(&l->str, "rules");

    ngx_http_tollgate_verdict_limits_read(ctx, v);

    charge->day_end = ctx->limits[NGX_HTTP_TOLLGATE_DAY].reset;
    charge->month_end = ctx->limits[NGX_HTTP_TOLLGATE_MONTH].reset;

    if (ask->look) {
        ctx->held = charge->credits;
        ctx->used[0] = charge->units;
        ctx->used[1] = ctx->wait_ms;

        charge->credits = 0;
        charge->units = 0;
        ctx->wait_ms = 0;
    }

    if (ctx->request == NULL) {
        return NGX_OK;
    }

    if (ngx_http_tollgate_verdict_texts(ctx, v) != NGX_OK) {
        return NGX_ERROR;
    }

    if (ctx->link == NULL) {
        ngx_memcpy(ctx->hash, ask->hash, NGX_HTTP_TOLLGATE_HASH_LEN);
        ctx->hashed = 1;
    }

    ctx->known = 1;

    return NGX_OK;
}


/* The ticket, with the limits that have a name behind it; NULL: none. */

static ngx_http_tollgate_value_t *
ngx_http_tollgate_verdict_words(ngx_http_tollgate_value_t *v)
{
    return ngx_http_tollgate_verdict_more(v, NGX_HTTP_TOLLGATE_MORE_WORDS)
           ? v + ngx_http_tollgate_verdict_width(v, NGX_MAX_INT32_VALUE) - 2
           : NULL;
}


static void
ngx_http_tollgate_verdict_limits_read(ngx_http_tollgate_ctx_t *ctx,
    ngx_http_tollgate_value_t *v)
{
    ngx_uint_t                  i, told;
    ngx_http_tollgate_value_t  *l;

    l = v + NGX_HTTP_TOLLGATE_AT_END;

    for (i = 0; i < NGX_HTTP_TOLLGATE_LIMITS; i++) {
        told = i < NGX_HTTP_TOLLGATE_DAY
               ? ngx_http_tollgate_verdict_more(v,
                                                NGX_HTTP_TOLLGATE_MORE_RATES)
               : ngx_http_tollgate_verdict_more(v,
                                                NGX_HTTP_TOLLGATE_MORE_QUOTA);

        if (told) {
            ctx->limits[i].max = (l++)->integer;
            ctx->limits[i].left = (l++)->integer;
            ctx->limits[i].reset = (l++)->integer;

        } else {
            ctx->limits[i].max = i < NGX_HTTP_TOLLGATE_DAY ? 0 : -1;
            ctx->limits[i].left = ctx->limits[i].max;
            ctx->limits[i].reset = 0;
        }
    }
}


static ngx_int_t
ngx_http_tollgate_verdict_texts(ngx_http_tollgate_ctx_t *ctx,
    ngx_http_tollgate_value_t *v)
{
    ngx_http_tollgate_value_t  *words;

    if (ctx->refused_by == NGX_HTTP_TOLLGATE_LIMITS && !ctx->ruled
        && ngx_http_tollgate_verdict_copy(ctx, &ctx->refuser,
                                          &v[NGX_HTTP_TOLLGATE_AT_LIMIT].str)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ngx_http_tollgate_verdict_copy(ctx, &ctx->plan,
                                       &v[NGX_HTTP_TOLLGATE_AT_PLAN].str)
        != NGX_OK
        || ngx_http_tollgate_verdict_copy(ctx, &ctx->mode,
                                          &v[NGX_HTTP_TOLLGATE_AT_MODE].str)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    words = ngx_http_tollgate_verdict_words(v);

    return words ? ngx_http_tollgate_verdict_copy(ctx, &ctx->named,
                                                  &words[1].str)
                 : NGX_OK;
}


static ngx_int_t
ngx_http_tollgate_verdict_check(ngx_http_tollgate_value_t *v)
{
    ngx_uint_t                  i, type, width;
    ngx_http_tollgate_value_t  *words;

    width = ngx_http_tollgate_verdict_width(v, NGX_MAX_INT32_VALUE);
    words = ngx_http_tollgate_verdict_words(v);

    for (i = 0; i < width; i++) {

        switch (i) {

        case NGX_HTTP_TOLLGATE_AT_VERDICT:
        case NGX_HTTP_TOLLGATE_AT_APP:
        case NGX_HTTP_TOLLGATE_AT_KEY:
        case NGX_HTTP_TOLLGATE_AT_PLAN:
        case NGX_HTTP_TOLLGATE_AT_MODE:
        case NGX_HTTP_TOLLGATE_AT_LIMIT:
            type = REDIS_REPLY_STRING;
            break;

        default:
            type = words && &v[i] >= words ? REDIS_REPLY_STRING
                                           : REDIS_REPLY_INTEGER;
        }

        /* scripts count in doubles: a larger number is none of theirs */

        if (v[i].type != type
            || (type == REDIS_REPLY_INTEGER
                && (v[i].integer > NGX_HTTP_TOLLGATE_MAX
                    || v[i].integer < -NGX_HTTP_TOLLGATE_MAX)))
        {
            return NGX_ERROR;
        }
    }

    return (words && words->str.len > NGX_HTTP_TOLLGATE_TICKET_LEN)
           || !ngx_http_tollgate_named_code(&v[NGX_HTTP_TOLLGATE_AT_LIMIT]
                                              .str)
           ? NGX_ERROR : NGX_OK;
}


static ngx_int_t
ngx_http_tollgate_verdict_find(ngx_str_t *code,
    ngx_http_tollgate_verdict_e *verdict)
{
    ngx_uint_t  i;
    ngx_str_t  *c;

    for (i = NGX_HTTP_TOLLGATE_PASS; i < NGX_HTTP_TOLLGATE_VERDICTS; i++) {
        c = &ngx_http_tollgate_verdicts[i].code;

        if (c->len == code->len
            && ngx_memcmp(c->data, code->data, code->len) == 0)
        {
            *verdict = i;
            return NGX_OK;
        }
    }

    return NGX_ERROR;
}


/* _LIMITS: no limit refused. */

static ngx_http_tollgate_limit_e
ngx_http_tollgate_verdict_limit(ngx_str_t *name)
{
    ngx_uint_t  i;
    ngx_str_t  *l;

    for (i = 0; i < NGX_HTTP_TOLLGATE_LIMITS && name->len; i++) {
        l = &ngx_http_tollgate_verdict_limits[i];

        if (l->len == name->len
            && ngx_memcmp(l->data, name->data, name->len) == 0)
        {
            return i;
        }
    }

    return NGX_HTTP_TOLLGATE_LIMITS;
}


/* Replies are gone when their handler returns, so their text is copied. */

static ngx_int_t
ngx_http_tollgate_verdict_copy(ngx_http_tollgate_ctx_t *ctx, ngx_str_t *to,
    ngx_str_t *from)
{
    if (from->len == 0) {
        return NGX_OK;
    }

    to->data = ngx_pstrdup(ctx->request->pool, from);
    if (to->data == NULL) {
        return NGX_ERROR;
    }

    to->len = from->len;

    return NGX_OK;
}


/* NULL: no limit refused. */

ngx_str_t *
ngx_http_tollgate_verdict_limit_name(ngx_http_tollgate_ctx_t *ctx)
{
    if (ctx->known && ctx->refused_by < NGX_HTTP_TOLLGATE_LIMITS) {
        return &ngx_http_tollgate_verdict_limits[ctx->refused_by];
    }

    return ctx->refuser.len ? &ctx->refuser : NULL;
}


/* Micro-credits after the decision, -1 where no wallet was found. */

int64_t
ngx_http_tollgate_verdict_avail(ngx_http_tollgate_ctx_t *ctx)
{
    return ctx->known && ctx->charge.key.len ? ctx->avail : -1;
}


/* Units that a quota has left, -1 where the plan has none. */

int64_t
ngx_http_tollgate_verdict_left(ngx_http_tollgate_ctx_t *ctx,
    ngx_http_tollgate_limit_e limit)
{
    return ctx->known && ctx->charge.key.len && ctx->limits[limit].max >= 0
           ? ctx->limits[limit].left : -1;
}
