
/*
 * catalog.c: fuzzes the text of the catalog: what is taken can be found, in
 * order and in range, and written out reads the same.
 */


#include "ngx_shim.h"


static u_char  catalog_text[1 << 20];


static void
catalog_check_code(ngx_str_t *code)
{
    size_t  i;

    CHECK(code->len >= 1 && code->len <= 64);
    CHECK(strchr("._:-", code->data[0]) == NULL);

    for (i = 0; i < code->len; i++) {
        CHECK(code->data[i] != '\0'
              && strchr("abcdefghijklmnopqrstuvwxyz0123456789._:-",
                        code->data[i]) != NULL);
    }
}


static u_char *
catalog_write_ranks(u_char *p, const char *kind, ngx_array_t *ranks)
{
    ngx_uint_t                 i;
    ngx_http_tollgate_rank_t  *rank;

    rank = ranks->elts;

    for (i = 0; i < ranks->nelts; i++) {
        catalog_check_code(&rank[i].code);

        p += sprintf((char *) p, "%s\t", kind);

        if (strcmp(kind, "tier") == 0) {
            p += sprintf((char *) p, "%ld\t", (long) rank[i].rank);
        }

        p += sprintf((char *) p, "%.*s\t", (int) rank[i].code.len,
                     rank[i].code.data);

        if (kind[0] == 'p') {
            p += sprintf((char *) p, "%ld\t", (long) rank[i].rank);
        }

        p = ngx_cpymem(p, rank[i].name.data, rank[i].name.len);
        *p++ = '\n';
    }

    return p;
}


static u_char *
catalog_write_items(u_char *p, ngx_array_t *items)
{
    ngx_uint_t                 i;
    ngx_http_tollgate_item_t  *item, *found;

    item = items->elts;

    for (i = 0; i < items->nelts; i++) {
        catalog_check_code(&item[i].code);
        CHECK(item[i].credits >= 0
              && item[i].credits <= NGX_HTTP_TOLLGATE_MAX);
        CHECK(item[i].units >= 0 && item[i].units <= NGX_HTTP_TOLLGATE_MAX);
        CHECK(i == 0 || ngx_memn2cmp(item[i - 1].code.data, item[i].code.data,
                                     item[i - 1].code.len, item[i].code.len)
                        <= 0);

        found = ngx_http_tollgate_catalog_item(items, &item[i].code);
        CHECK(found != NULL && found->code.len == item[i].code.len
              && memcmp(found->code.data, item[i].code.data, found->code.len)
                 == 0);

        p += sprintf((char *) p, "%s\t%.*s\t",
                     item[i].feature.len ? "model" : "feature",
                     (int) item[i].code.len, item[i].code.data);

        if (item[i].feature.len) {
            catalog_check_code(&item[i].feature);
            p += sprintf((char *) p, "%.*s\t%ld\t",
                         (int) item[i].feature.len, item[i].feature.data,
                         (long) item[i].tier);
        }

        p += sprintf((char *) p, "%lld\t%lld", (long long) item[i].credits,
                     (long long) item[i].units);

        if (item[i].feature.len) {
            p += sprintf((char *) p, "\t%ld\t", (long) item[i].beta);
            p = ngx_cpymem(p, item[i].name.data, item[i].name.len);
        }

        *p++ = '\n';
    }

    return p;
}


static u_char *
catalog_write_contents(u_char *p, ngx_array_t *contents)
{
    ngx_uint_t                    i;
    ngx_http_tollgate_content_t  *content, *found;

    content = contents->elts;

    for (i = 0; i < contents->nelts; i++) {
        catalog_check_code(&content[i].code);
        CHECK(content[i].credits >= 0
              && content[i].credits <= NGX_HTTP_TOLLGATE_MAX);
        CHECK(content[i].window > 0 && content[i].sold <= 1);
        CHECK(content[i].bundles.len < 4 * 65);

        found = ngx_http_tollgate_catalog_item(contents, &content[i].code);
        CHECK(found != NULL && found->code.len == content[i].code.len
              && memcmp(found->code.data, content[i].code.data,
                        found->code.len) == 0);

        p += sprintf((char *) p, "content\t%.*s\t%lld\t%s\t%ld\t",
                     (int) content[i].code.len, content[i].code.data,
                     (long long) content[i].credits,
                     content[i].sold ? "view" : "locked",
                     (long) content[i].window);
        p += content[i].tier == NGX_HTTP_TOLLGATE_NO_TIER
             ? sprintf((char *) p, "-\t")
             : sprintf((char *) p, "%ld\t", (long) content[i].tier);
        p = ngx_cpymem(p, content[i].bundles.data, content[i].bundles.len);

        if (content[i].bundles.len == 0) {
            *p++ = '-';
        }

        *p++ = '\n';
    }

    return p;
}


static u_char *
catalog_write_tokens(u_char *p, ngx_array_t *tokens)
{
    size_t                       n;
    int64_t                     *price;
    ngx_uint_t                   i;
    ngx_http_tollgate_tokens_t  *t, *found;

    t = tokens->elts;

    for (i = 0; i < tokens->nelts; i++) {
        catalog_check_code(&t[i].code);

        found = ngx_http_tollgate_catalog_item(tokens, &t[i].code);
        CHECK(found != NULL && found->code.len == t[i].code.len
              && memcmp(found->code.data, t[i].code.data, found->code.len)
                 == 0);

        p += sprintf((char *) p, "tokens\t%.*s", (int) t[i].code.len,
                     t[i].code.data);
        price = &t[i].price.input;

        for (n = 0; n < sizeof(t[i].price) / sizeof(int64_t); n++) {
            CHECK(price[n] >= 0 && price[n] <= NGX_HTTP_TOLLGATE_MAX);
            p += sprintf((char *) p, "\t%lld", (long long) price[n]);
        }

        *p++ = '\n';
    }

    return p;
}


static size_t
catalog_write(u_char *p, ngx_http_tollgate_catalog_t *catalog)
{
    u_char  *start;

    start = p;
    p = catalog_write_ranks(p, "tier", &catalog->tiers);
    p = catalog_write_ranks(p, "plan", &catalog->plans);
    p = catalog_write_items(p, &catalog->features);
    p = catalog_write_items(p, &catalog->models);
    p = catalog_write_ranks(p, "app", &catalog->apps);
    p = catalog_write_ranks(p, "private", &catalog->private);
    p = catalog_write_contents(p, &catalog->contents);
    p = catalog_write_tokens(p, &catalog->tokens);

    return p - start;
}


static void
catalog_check_plans(ngx_http_tollgate_catalog_t *catalog)
{
    ngx_uint_t                 tier;
    ngx_http_tollgate_rank_t  *plan, *rank;

    for (tier = 0; tier < 5; tier++) {
        plan = ngx_http_tollgate_catalog_plan(catalog, tier);
        CHECK(plan == NULL || plan->rank >= tier);

        rank = ngx_http_tollgate_catalog_tier(catalog, tier);
        CHECK(rank == NULL || rank->rank == tier);
    }
}


/* The first byte says which allocation fails, if any. */

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t                       len;
    ngx_str_t                    body;
    ngx_int_t                    rc;
    ngx_pool_t                  *pool;
    ngx_uint_t                   fails;
    struct input                 input = { data, size };
    ngx_http_tollgate_catalog_t  catalog, again;

    fails = input_byte(&input);
    fails = fails >= '0' && fails <= '9' ? fails - '0' : 0;

    pool = shim_pool();
    body = shim_str(pool, input);
    shim_fails = fails;

    rc = ngx_http_tollgate_catalog_parse(&catalog, pool, &body);

    if (rc == NGX_OK && size < sizeof(catalog_text) / 4) {
        shim_fails = 0;
        catalog_check_plans(&catalog);
        len = catalog_write(catalog_text, &catalog);

        body.data = ngx_pnalloc(pool, len);
        body.len = len;
        memcpy(body.data, catalog_text, len);

        CHECK(ngx_http_tollgate_catalog_parse(&again, pool, &body) == NGX_OK);
        CHECK(catalog_write(catalog_text, &again) == len);
        CHECK(memcmp(catalog_text, body.data, len) == 0);
    }

    shim_pool_free(pool);

    return 0;
}
