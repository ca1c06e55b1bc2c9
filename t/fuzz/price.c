
/*
 * price.c: fuzzes what a request asks for: a cost as text, and the codes of
 * feature, model and tier.
 */


#include "ngx_shim.h"

#include "../../ngx_module/ngx_http_tollgate_price.c"


static u_char  price_list[] =
    "tier\t0\tfree\tFree\n"
    "tier\t2\tpro\tPro\n"
    "feature\timage.generate\t10000000\t1\n"
    "feature\tvideo\t0\t0\n"
    "model\tapp:m\tvideo\t2\t9007199254740992\t5\n";

static ngx_http_tollgate_catalog_t  price_catalog;


ngx_http_tollgate_catalog_t *
ngx_http_tollgate_catalog_get(ngx_http_tollgate_main_conf_t *tmcf)
{
    return tmcf->nshards ? &price_catalog : NULL;
}


/* a server that is down, so nobody waits for a catalog */

ngx_http_tollgate_redis_t *
ngx_http_tollgate_store_redis(ngx_http_tollgate_store_t *store,
    ngx_uint_t route)
{
    return NULL;
}


ngx_uint_t
ngx_http_tollgate_redis_broken(ngx_http_tollgate_redis_t *redis)
{
    return 1;
}


/* none has a meter here */

ngx_int_t
ngx_http_tollgate_meter_open(ngx_http_request_t *r,
    ngx_http_tollgate_ctx_t *ctx)
{
    return NGX_OK;
}


/* nor is any about content */

ngx_http_tollgate_verdict_e
ngx_http_tollgate_content(ngx_http_request_t *r, ngx_http_tollgate_ctx_t *ctx,
    int64_t cost)
{
    return NGX_HTTP_TOLLGATE_PASS;
}


/* The grammar again: digits, and after a point 1 to 6 more. */

static ngx_uint_t
price_expected(ngx_str_t *text, int64_t *credits)
{
    size_t             i;
    ngx_int_t          decimals;
    unsigned __int128  n;

    n = 0;
    decimals = -1;

    for (i = 0; i < text->len; i++) {
        if (text->data[i] == '.') {
            if (decimals >= 0 || i == 0 || i + 1 == text->len) {
                return 0;
            }

            decimals = 0;
            continue;
        }

        if (text->data[i] < '0' || text->data[i] > '9' || decimals == 6) {
            return 0;
        }

        n = n * 10 + (text->data[i] - '0');
        n = ngx_min(n, (unsigned __int128) 1 << 100);
        decimals += decimals >= 0;
    }

    for (decimals = ngx_max(decimals, 0); decimals < 6; decimals++) {
        n *= 10;
    }

    *credits = (int64_t) n;

    return text->len != 0 && n <= NGX_HTTP_TOLLGATE_MAX;
}


static void
price_check_text(ngx_pool_t *pool, struct input piece)
{
    u_char     *p;
    int64_t     credits, expected, again;
    ngx_str_t   text, printed;

    text = shim_str(pool, piece);

    if (!price_expected(&text, &expected)) {
        CHECK(ngx_http_tollgate_credits_parse(&text, &credits) == NGX_ERROR);
        return;
    }

    CHECK(ngx_http_tollgate_credits_parse(&text, &credits) == NGX_OK);
    CHECK(credits == expected);

    p = ngx_pnalloc(pool, NGX_HTTP_TOLLGATE_CREDITS_LEN);
    printed.data = p;
    printed.len = ngx_http_tollgate_credits(p, credits) - p;

    CHECK(ngx_http_tollgate_credits_parse(&printed, &again) == NGX_OK);
    CHECK(again == credits);

    printed.len = ngx_http_tollgate_credits(p, -credits) - p;
    CHECK(credits == 0 || *p == '-');
}


/* A number is what the C library makes of it, the least of all too. */

static void
price_check_number(int64_t n)
{
    char    expected[NGX_INT64_LEN + 1];
    u_char  p[NGX_INT64_LEN];

    snprintf(expected, sizeof(expected), "%lld", (long long) n);
    CHECK((size_t) (ngx_http_tollgate_number(p, n) - p) == strlen(expected));
    CHECK(memcmp(p, expected, strlen(expected)) == 0);
}


static void
price_check(ngx_http_request_t *r, ngx_http_tollgate_ctx_t *ctx)
{
    ngx_http_tollgate_item_t     *item;
    ngx_http_tollgate_verdict_e   verdict;

    shim_logged[0] = '\0';
    verdict = ngx_http_tollgate_price(r, ctx);
    CHECK(strpbrk((char *) shim_logged, "\r\n\t\x1b\x7f") == NULL);

    if (verdict != NGX_HTTP_TOLLGATE_PASS) {
        CHECK(verdict == NGX_HTTP_TOLLGATE_COST_INVALID
              || verdict == NGX_HTTP_TOLLGATE_FEATURE_UNKNOWN
              || verdict == NGX_HTTP_TOLLGATE_MODEL_UNKNOWN
              || verdict == NGX_HTTP_TOLLGATE_STORE_UNREACHABLE);
        return;
    }

    CHECK(ctx->cost >= 0 && ctx->cost <= NGX_HTTP_TOLLGATE_MAX);
    CHECK(ctx->cost_units >= 0 && ctx->cost_units <= 5);
    CHECK(ctx->tier <= 2 || ctx->tier == NGX_HTTP_TOLLGATE_NO_TIER);

    /* whatever passes is of the catalog, byte for byte */

    if (ctx->feature.len) {
        CHECK(ngx_http_tollgate_catalog_item(&price_catalog.features,
                                             &ctx->feature) != NULL);
    }

    if (ctx->model.len) {
        item = ngx_http_tollgate_catalog_item(&price_catalog.models,
                                              &ctx->model);
        CHECK(item != NULL && ctx->tier >= item->tier);
    }

    CHECK(ctx->charge.feature.len == ctx->feature.len);
    CHECK(ctx->charge.model.len == ctx->model.len);
}


/* Lines: cost, feature, model, tier.  An empty cost is none. */

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int64_t                         number = 0;
    ngx_uint_t                      i;
    ngx_str_t                       body;
    ngx_pool_t                     *pool;
    struct input                    input = { data, size }, line;
    ngx_http_request_t             *r;
    ngx_http_tollgate_ctx_t         ctx;
    ngx_http_tollgate_store_t       store;
    ngx_http_tollgate_loc_conf_t    conf;
    ngx_http_tollgate_main_conf_t   tmcf;

    ngx_http_complex_value_t  **values[] = {
        &conf.cost, &conf.feature, &conf.model, &conf.tier
    };

    if (price_catalog.tiers.nelts == 0) {
        body.data = price_list;
        body.len = sizeof(price_list) - 1;
        CHECK(ngx_http_tollgate_catalog_parse(&price_catalog, shim_pool(),
                                              &body) == NGX_OK);
        price_check_number(INT64_MIN);
        price_check_number(INT64_MAX);
    }

    memcpy(&number, data, size < sizeof(number) ? size : sizeof(number));
    price_check_number(number);
    price_check_number(number >> (size % 64));

    ngx_memzero(&ctx, sizeof(ctx));
    ngx_memzero(&conf, sizeof(conf));
    ngx_memzero(&tmcf, sizeof(tmcf));
    ngx_memzero(&store, sizeof(store));

    ctx.conf = &conf;
    conf.store = &store;
    conf.fixed_cost = -1;
    store.conf = &tmcf;
    tmcf.catalog = &store;
    tmcf.nshards = !(size != 0 && *data == '!');    /* no catalog yet */

    pool = shim_pool();
    r = shim_request(pool, &tmcf);

    for (i = 0; i < 4 && input_cut(&input, '\n', &line); i++) {
        price_check_text(pool, line);

        if (line.size != 0 || i != 0) {
            *values[i] = shim_value(pool, shim_str(pool, line));
        }
    }

    price_check(r, &ctx);
    shim_pool_free(pool);

    return 0;
}
