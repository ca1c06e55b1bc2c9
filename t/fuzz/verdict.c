
/*
 * verdict.c: fuzzes the reading of decisions: replies that may be gate.lua's
 * become contexts whose every field is in its range.
 */


#include "ngx_shim.h"


#define VERDICT_SANE(n)                                                       \
    CHECK((n) <= NGX_HTTP_TOLLGATE_MAX && (n) >= -NGX_HTTP_TOLLGATE_MAX)


static void
verdict_check(ngx_http_tollgate_ctx_t *ctx, ngx_http_tollgate_value_t *v)
{
    ngx_str_t                    lines;
    ngx_uint_t                   i;
    ngx_http_tollgate_limit_t   *l;
    ngx_http_tollgate_named_t    named;
    ngx_http_tollgate_verdict_t *row;

    CHECK(ctx->verdict >= NGX_HTTP_TOLLGATE_PASS
          && ctx->verdict < NGX_HTTP_TOLLGATE_VERDICTS);
    CHECK(ctx->refused_by <= NGX_HTTP_TOLLGATE_LIMITS);
    CHECK(ctx->charge.app.len <= NGX_HTTP_TOLLGATE_CODE_LEN);
    CHECK(ctx->charge.key.len <= NGX_HTTP_TOLLGATE_CODE_LEN);

    row = &ngx_http_tollgate_verdicts[ctx->verdict];
    CHECK(row->code.len == v[0].str.len
          && memcmp(row->code.data, v[0].str.data, row->code.len) == 0);

    VERDICT_SANE(ctx->charge.credits);
    VERDICT_SANE(ctx->charge.units);
    VERDICT_SANE(ctx->plan_tier);
    VERDICT_SANE(ctx->avail);
    VERDICT_SANE(ctx->wait_ms);

    for (i = 0; i < NGX_HTTP_TOLLGATE_LIMITS; i++) {
        l = &ctx->limits[i];
        VERDICT_SANE(l->max);
        VERDICT_SANE(l->left);
        VERDICT_SANE(l->reset);
    }

    lines = v[24].str;

    while (ngx_http_tollgate_verdict_named(&lines, &named) == NGX_OK) {
        CHECK(named.name.len > 0
              && named.name.len <= NGX_HTTP_TOLLGATE_CODE_LEN
              && named.name.data >= v[24].str.data
              && named.effect.data + named.effect.len
                 <= v[24].str.data + v[24].str.len);
        VERDICT_SANE(named.limit.max);
        VERDICT_SANE(named.limit.left);
        VERDICT_SANE(named.limit.reset);
    }

    CHECK(ctx->refuser.len <= NGX_HTTP_TOLLGATE_CODE_LEN);
    CHECK(ctx->charge.day_end == v[19].integer);
    CHECK(ctx->charge.month_end == v[22].integer);

    if (ctx->request != NULL) {
        CHECK(ctx->known && ctx->plan.len == v[3].str.len
              && memcmp(ctx->plan.data ? ctx->plan.data : (u_char *) "",
                        v[3].str.data ? v[3].str.data : (u_char *) "",
                        ctx->plan.len) == 0);
    }
}


static void
verdict_read(ngx_http_tollgate_reply_t *reply, ngx_uint_t waits,
    ngx_uint_t fails)
{
    ngx_int_t                 rc;
    ngx_uint_t                n;
    ngx_pool_t               *pool;
    ngx_http_tollgate_ask_t   ask;
    ngx_http_tollgate_ctx_t   ctx;

    for (n = NGX_HTTP_TOLLGATE_ASK_HEAD;
         n + NGX_HTTP_TOLLGATE_ASK_WIDTH <= reply->n;
         n += NGX_HTTP_TOLLGATE_ASK_WIDTH)
    {
        pool = shim_pool();
        ngx_memzero(&ask, sizeof(ask));
        ngx_memzero(&ctx, sizeof(ctx));
        ctx.request = waits ? shim_request(pool, NULL) : NULL;
        shim_fails = fails;

        rc = ngx_http_tollgate_verdict_read(&ctx, &ask, &reply->value[n]);

        if (rc == NGX_OK) {
            verdict_check(&ctx, &reply->value[n]);
        } else {
            CHECK(!ctx.known);
        }

        shim_pool_free(pool);
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned                    how;
    struct input                input = { data, size };
    ngx_http_tollgate_reply_t   reply;
    ngx_http_tollgate_parser_t  parser;

    how = input_byte(&input);
    ngx_memzero(&parser, sizeof(parser));
    CHECK(ngx_http_tollgate_reply_init(&parser) == NGX_OK);

    if (input.size != 0) {
        CHECK(ngx_http_tollgate_reply_feed(&parser, (u_char *) input.data,
                                           input.size) == NGX_OK);

        while (ngx_http_tollgate_reply_next(&parser, &reply) == NGX_OK) {
            verdict_read(&reply, how & 1, how >> 1 & 1);
        }
    }

    ngx_http_tollgate_reply_reset(&parser);
    free(parser.values);
    free(parser.text);

    return 0;
}
