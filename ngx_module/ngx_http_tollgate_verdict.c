
/*
 * ngx_http_tollgate_verdict.c owns the reading of a decision: 25 values of
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
    NGX_HTTP_TOLLGATE_AT_LIMITS,
    NGX_HTTP_TOLLGATE_AT_TICKET = NGX_HTTP_TOLLGATE_AT_LIMITS
                                  + 3 * NGX_HTTP_TOLLGATE_LIMITS,
    NGX_HTTP_TOLLGATE_AT_NAMED
} ngx_http_tollgate_at_e;


static ngx_int_t ngx_http_tollgate_verdict_texts(ngx_http_tollgate_ctx_t *ctx,
    ngx_http_tollgate_value_t *v);
static ngx_int_t ngx_http_tollgate_verdict_check(ngx_http_tollgate_value_t *v);
static ngx_int_t ngx_http_tollgate_verdict_find(ngx_str_t *code,
    ngx_http_tollgate_verdict_e *verdict);
static ngx_http_tollgate_limit_e ngx_http_tollgate_verdict_limit(
    ngx_str_t *name);
static ngx_int_t ngx_http_tollgate_verdict_copy(ngx_http_tollgate_ctx_t *ctx,
    ngx_str_t *to, ngx_str_t *from);
static ngx_uint_t ngx_http_tollgate_verdict_code(ngx_str_t *text);
static void ngx_http_tollgate_verdict_word(ngx_str_t *line, ngx_str_t *word);
static ngx_uint_t ngx_http_tollgate_verdict_is(ngx_str_t *word,
    const char *text);


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


/* Reads v into ctx, which may be without a request where nobody waits. */

ngx_int_t
ngx_http_tollgate_verdict_read(ngx_http_tollgate_ctx_t *ctx,
    ngx_http_tollgate_ask_t *ask, ngx_http_tollgate_value_t *v)
{
    ngx_uint_t                   i;
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

    l = &v[NGX_HTTP_TOLLGATE_AT_TICKET];
    charge->ticket.len = l->str.len;

    if (l->str.len) {
        ngx_memcpy(charge->ticket.data, l->str.data, l->str.len);
    }

    charge->epoch = ask->charge.epoch;
    charge->credits = v[NGX_HTTP_TOLLGATE_AT_CREDITS].integer;
    charge->units = v[NGX_HTTP_TOLLGATE_AT_UNITS].integer;

    ctx->plan_tier = v[NGX_HTTP_TOLLGATE_AT_TIER].integer;
    ctx->avail = v[NGX_HTTP_TOLLGATE_AT_AVAIL].integer;
    ctx->wait_ms = v[NGX_HTTP_TOLLGATE_AT_WAIT].integer;
    l = &v[NGX_HTTP_TOLLGATE_AT_LIMIT];
    ctx->refused_by = ngx_http_tollgate_verdict_limit(&l->str);
    ctx->ruled = ngx_http_tollgate_verdict_is(&l->str, "rules");

    l = &v[NGX_HTTP_TOLLGATE_AT_LIMITS];

    for (i = 0; i < NGX_HTTP_TOLLGATE_LIMITS; i++) {
        ctx->limits[i].max = l[3 * i].integer;
        ctx->limits[i].left = l[3 * i + 1].integer;
        ctx->limits[i].reset = l[3 * i + 2].integer;
    }

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


static ngx_int_t
ngx_http_tollgate_verdict_texts(ngx_http_tollgate_ctx_t *ctx,
    ngx_http_tollgate_value_t *v)
{
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
           != NGX_OK
        || ngx_http_tollgate_verdict_copy(ctx, &ctx->named,
                                          &v[NGX_HTTP_TOLLGATE_AT_NAMED].str)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_tollgate_verdict_check(ngx_http_tollgate_value_t *v)
{
    ngx_uint_t  i, type;

    for (i = 0; i < NGX_HTTP_TOLLGATE_ASK_WIDTH; i++) {

        switch (i) {

        case NGX_HTTP_TOLLGATE_AT_VERDICT:
        case NGX_HTTP_TOLLGATE_AT_APP:
        case NGX_HTTP_TOLLGATE_AT_KEY:
        case NGX_HTTP_TOLLGATE_AT_PLAN:
        case NGX_HTTP_TOLLGATE_AT_MODE:
        case NGX_HTTP_TOLLGATE_AT_LIMIT:
        case NGX_HTTP_TOLLGATE_AT_TICKET:
        case NGX_HTTP_TOLLGATE_AT_NAMED:
            type = REDIS_REPLY_STRING;
            break;

        default:
            type = REDIS_REPLY_INTEGER;
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

    return v[NGX_HTTP_TOLLGATE_AT_TICKET].str.len
           > NGX_HTTP_TOLLGATE_TICKET_LEN
           || !ngx_http_tollgate_verdict_code(&v[NGX_HTTP_TOLLGATE_AT_LIMIT]
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


/* The limit with a name that refused; NGX_DECLINED where none did. */

ngx_int_t
ngx_http_tollgate_verdict_refuser(ngx_http_tollgate_ctx_t *ctx,
    ngx_http_tollgate_named_t *named)
{
    ngx_str_t  lines;

    lines = ctx->named;

    while (ctx->refuser.len
           && ngx_http_tollgate_verdict_named(&lines, named) == NGX_OK)
    {
        if (named->name.len == ctx->refuser.len
            && ngx_memcmp(named->name.data, ctx->refuser.data,
                          ctx->refuser.len)
               == 0)
        {
            return NGX_OK;
        }
    }

    return NGX_DECLINED;
}


/*
 * Takes the first line off the lines of limits with a name.  NGX_DECLINED: it
 * was the last one, or is none.
 */

ngx_int_t
ngx_http_tollgate_verdict_named(ngx_str_t *lines,
    ngx_http_tollgate_named_t *named)
{
    u_char     *end;
    int64_t     n[3];
    ngx_str_t   line, number;
    ngx_uint_t  i;

    if (lines->len == 0) {
        return NGX_DECLINED;
    }

    end = ngx_strlchr(lines->data, lines->data + lines->len, LF);

    if (end == NULL) {
        return NGX_DECLINED;
    }

    line.data = lines->data;
    line.len = end - lines->data;

    lines->data = end + 1;
    lines->len -= line.len + 1;

    ngx_http_tollgate_verdict_word(&line, &named->name);
    ngx_http_tollgate_verdict_word(&line, &named->meter);

    for (i = 0; i < 3; i++) {
        ngx_http_tollgate_verdict_word(&line, &number);
        n[i] = ngx_atoi(number.data, number.len);

        if (n[i] < 0 || n[i] > NGX_HTTP_TOLLGATE_MAX) {
            return NGX_DECLINED;
        }
    }

    ngx_http_tollgate_verdict_word(&line, &named->window);
    ngx_http_tollgate_verdict_word(&line, &named->effect);

    if (named->name.len == 0
        || !ngx_http_tollgate_verdict_code(&named->name)
        || !ngx_http_tollgate_verdict_code(&named->meter)
        || !ngx_http_tollgate_verdict_code(&named->window)
        || !ngx_http_tollgate_verdict_code(&named->effect))
    {
        return NGX_DECLINED;
    }

    named->limit.max = n[0];
    named->limit.left = n[1];
    named->limit.reset = n[2];

    named->rate = ngx_http_tollgate_verdict_is(&named->meter, "rate");
    named->credits = ngx_http_tollgate_verdict_is(&named->meter, "credits");
    named->running = ngx_http_tollgate_verdict_is(&named->meter, "running");
    named->refuses = ngx_http_tollgate_verdict_is(&named->effect, "refuse");

    return NGX_OK;
}


/* Whether a text may stand in headers, JSON and records as it is. */

static ngx_uint_t
ngx_http_tollgate_verdict_code(ngx_str_t *text)
{
    u_char      c;
    ngx_uint_t  i;

    for (i = 0; i < text->len; i++) {
        c = text->data[i];

        if ((c < '0' || c > '9') && (c < 'a' || c > 'z') && c != '.'
            && c != '_' && c != ':' && c != '-')
        {
            return 0;
        }
    }

    return text->len <= NGX_HTTP_TOLLGATE_CODE_LEN;
}


/* Takes the first word off a line. */

static void
ngx_http_tollgate_verdict_word(ngx_str_t *line, ngx_str_t *word)
{
    u_char  *end;

    word->data = line->data;

    for (end = line->data; end < line->data + line->len; end++) {
        if (*end == ' ') {
            break;
        }
    }

    word->len = end - line->data;

    if (end < line->data + line->len) {
        end++;
    }

    line->len -= end - line->data;
    line->data = end;
}


static ngx_uint_t
ngx_http_tollgate_verdict_is(ngx_str_t *word, const char *text)
{
    return word->len == ngx_strlen(text)
           && ngx_memcmp(word->data, text, word->len) == 0;
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
