
/*
 * verdict.c: fuzzes the reading of decisions: replies that may be gate.lua's
 * become contexts whose every field is in its range.
 */


#include "ngx_shim.h"


#define VERDICT_SANE(n)                                                       \
    CHECK((n) <= NGX_HTTP_TOLLGATE_MAX && (n) >= -NGX_HTTP_TOLLGATE_MAX)


static void
verdict_check(ngx_http_tollgate_ctx_t *ctx, ngx_http_tollgate_value_t *v,
    ngx_uint_t width)
{
    ngx_str_t                    lines, text;
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

    ngx_str_null(&lines);

    if (v[11].integer & 4) {
        lines = v[width - 1].str;
        CHECK(ctx->charge.ticket.len == v[width - 2].str.len);

    } else {
        CHECK(ctx->charge.ticket.len == 0 && ctx->named.len == 0);
    }

    text = lines;

    while (ngx_http_tollgate_named_next(&lines, &named) == NGX_OK) {
        CHECK(named.name.len > 0
              && named.name.len <= NGX_HTTP_TOLLGATE_CODE_LEN
              && named.name.data >= text.data
              && named.effect.data + named.effect.len
                 <= text.data + text.len);
        VERDICT_SANE(named.limit.max);
        VERDICT_SANE(named.limit.left);
        VERDICT_SANE(named.limit.reset);
    }

    CHECK(ctx->refuser.len <= NGX_HTTP_TOLLGATE_CODE_LEN);

    /* those of the quota stand behind those of the rates */

    i = v[11].integer & 1 ? 18 : 12;
    CHECK(ctx->charge.day_end
          == (v[11].integer & 2 ? v[i + 2].integer : 0));
    CHECK(ctx->charge.month_end
          == (v[11].integer & 2 ? v[i + 5].integer : 0));

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
    ngx_uint_t                n, width;
    ngx_pool_t               *pool;
    ngx_http_tollgate_ask_t   ask;
    ngx_http_tollgate_ctx_t   ctx;

    /* behind the time and an epoch */

    for (n = 2; n < reply->n; n += width) {
        width = ngx_http_tollgate_verdict_width(&reply->value[n],
                                                reply->n - n);
        if (width == 0) {
            return;
        }

        CHECK(n + width <= reply->n);
        pool = shim_pool();
        ngx_memzero(&ask, sizeof(ask));
        ngx_memzero(&ctx, sizeof(ctx));
        ctx.request = waits ? shim_request(pool, NULL) : NULL;
        shim_fails = fails;

        rc = ngx_http_tollgate_verdict_read(&ctx, &ask, &reply->value[n]);

        if (rc == NGX_OK) {
            verdict_check(&ctx, &reply->value[n], width);
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
