
/*
 * pass.c: fuzzes what the backend gets to see: the user percent-encoded, and
 * headers without the key and without what a client may not say.
 */


#include "ngx_shim.h"


static ngx_uint_t
pass_is_plain(unsigned ch)
{
    return ch != 0 && ch < 0x80
           && (isalnum(ch) || strchr("._~@+-", ch) != NULL);
}


static void
pass_check_user(ngx_str_t *user, ngx_str_t *encoded)
{
    u_char      *p, *end;
    size_t       i, width;
    unsigned     ch;
    char         hex[3];

    p = encoded->data;
    end = p + encoded->len;
    CHECK(encoded->len <= NGX_HTTP_TOLLGATE_USER_LEN);

    for (i = 0; p < end; i++) {
        CHECK(i < user->len);

        if (*p == '%') {
            CHECK(end - p >= 3);
            snprintf(hex, sizeof(hex), "%.2s", (char *) p + 1);
            CHECK(strspn(hex, "0123456789ABCDEF") == 2);
            ch = strtoul(hex, NULL, 16);
            CHECK(!pass_is_plain(ch));
            p += 3;

        } else {
            ch = *p++;
            CHECK(pass_is_plain(ch));
        }

        CHECK(ch == user->data[i]);
    }

    if (i < user->len) {
        ch = user->data[i];
        width = pass_is_plain(ch) ? 1 : 3;
        CHECK(encoded->len + width > NGX_HTTP_TOLLGATE_USER_LEN);
    }
}


static void
pass_add(ngx_http_request_t *r, ngx_str_t key, ngx_str_t value)
{
    ngx_table_elt_t  *h;

    h = ngx_list_push(&r->headers_in.headers);
    ngx_memzero(h, sizeof(ngx_table_elt_t));
    h->key = key;

    /* as nginx has them: ended by a zero */

    h->value.len = value.len;
    h->value.data = ngx_pcalloc(r->pool, value.len + 1);
    memcpy(h->value.data, value.data, value.len);
}


/* No header tells the backend the key or is one that only the gate may send. */

static void
pass_check(ngx_http_request_t *r, ngx_http_tollgate_ctx_t *ctx)
{
    ngx_uint_t        i, own;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    own = 0;

    for (part = &r->headers_in.headers.part; part; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {
            if (h[i].key.len > 9
                && strncasecmp((char *) h[i].key.data, "tollgate", 8) == 0
                && strchr("-_.", h[i].key.data[8]) != NULL)
            {
                CHECK(!ctx->dry_run && h[i].lowcase_key != NULL);
                own++;
                continue;
            }

            if (ctx->dry_run || !ctx->conf->strip_key) {
                continue;
            }

            if (ctx->conf->keys != NULL) {
                CHECK(!ctx->account
                      || memmem(h[i].value.data, h[i].value.len,
                                ctx->presented.data, ctx->presented.len)
                         == NULL);
                continue;
            }

            CHECK(!(h[i].key.len == 9
                    && strncasecmp((char *) h[i].key.data, "x-api-key", 9)
                       == 0));
        }
    }

    CHECK(own == (ctx->dry_run ? 0 : (ctx->user.len != 0) + 3));
}


/*
 * The first byte: bits of what is configured.  The first line is the user, the
 * second the key as it was presented, the others are headers.
 */

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned                       how;
    ngx_str_t                      user, name, value;
    ngx_int_t                      rc;
    ngx_pool_t                    *pool;
    ngx_array_t                    keys;
    struct input                   input = { data, size }, line, piece;
    ngx_http_request_t            *r;
    ngx_http_tollgate_ctx_t        ctx;
    ngx_http_tollgate_loc_conf_t   conf;

    pool = shim_pool();
    r = shim_request(pool, NULL);
    ngx_memzero(&ctx, sizeof(ctx));
    ngx_memzero(&conf, sizeof(conf));
    ngx_memzero(&line, sizeof(line));

    how = input_byte(&input);
    ctx.request = r;
    ctx.conf = &conf;
    ctx.dry_run = how & 1;
    conf.strip_key = how >> 1 & 1;
    conf.keys = how & 4 ? &keys : NULL;

    (void) input_cut(&input, '\n', &line);
    user = shim_str(pool, line);
    conf.user = shim_value(pool, user);
    ngx_memzero(&line, sizeof(line));
    (void) input_cut(&input, '\n', &line);
    ctx.presented = shim_str(pool, line);
    ctx.account = ctx.presented.len != 0;
    ctx.charge.key.len = 14;
    ctx.charge.app.len = 14;
    ctx.charge.request_id.len = 32;

    while (input_cut(&input, '\n', &line)) {
        if (input_cut(&line, ':', &piece)) {
            name = shim_str(pool, piece);
            value = shim_str(pool, line);
            pass_add(r, name, value);
        }
    }

    shim_fails = how >> 4;

    if (ngx_http_tollgate_pass_encode(r, &ctx) == NGX_OK) {
        pass_check_user(&user, &ctx.user);
        ngx_http_tollgate_pass_init();
        rc = ngx_http_tollgate_pass(r, &ctx);

        if (rc == NGX_OK) {
            pass_check(r, &ctx);
        }
    }

    shim_pool_free(pool);

    return 0;
}
