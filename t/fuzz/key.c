
/*
 * key.c: fuzzes the finding of an API key in a request's headers, its form
 * and its hash.
 */


#include "ngx_shim.h"

#include "../../ngx_module/ngx_http_tollgate_key.c"

#include <openssl/sha.h>


/* docs/design.md in other words than the module's */

static void
key_checksum(const u_char *key, u_char *sum)
{
    int       i, bit;
    uint32_t  crc;

    static const char  digits[] =
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

    crc = 0xffffffff;

    for (i = 0; i < 50; i++) {
        crc ^= key[i];

        for (bit = 0; bit < 8; bit++) {
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
        }
    }

    crc ^= 0xffffffff;

    for (i = 5; i >= 0; i--) {
        sum[i] = digits[crc % 62];
        crc /= 62;
    }
}


static ngx_uint_t
key_expected(const u_char *key, size_t len)
{
    size_t  i;
    u_char  sum[6];

    if (len != 56 || memcmp(key, "tg_", 3) != 0
        || (memcmp(key + 3, "live_", 5) != 0
            && memcmp(key + 3, "test_", 5) != 0))
    {
        return 0;
    }

    for (i = 8; i < 56; i++) {
        if (!(key[i] < 0x80 && isalnum(key[i]))) {
            return 0;
        }
    }

    key_checksum(key, sum);

    return memcmp(sum, key + 50, 6) == 0;
}


static void
key_check_hash(ngx_str_t *key)
{
    int            i;
    char           hex[65];
    u_char         hash[NGX_HTTP_TOLLGATE_HASH_LEN];
    unsigned char  digest[SHA256_DIGEST_LENGTH];

    CHECK(ngx_http_tollgate_key_hash(hash, key) == NGX_OK);
    SHA256(key->data, key->len, digest);

    for (i = 0; i < SHA256_DIGEST_LENGTH; i++) {
        sprintf(hex + 2 * i, "%02x", digest[i]);
    }

    CHECK(memcmp(hex, hash, NGX_HTTP_TOLLGATE_HASH_LEN) == 0);
}


/*
 * Makes a key of any bytes.  With one character changed it is none, and with
 * one more; nor is what has the checksum and another alphabet.
 */

static void
key_check_made(ngx_pool_t *pool, struct input input)
{
    int         i, at;
    u_char     *p;
    u_char      ch;
    ngx_str_t   key;

    static const char  head[2][9] = { "tg_live_", "tg_test_" };

    key.len = NGX_HTTP_TOLLGATE_KEY_LEN;
    key.data = ngx_pnalloc(pool, key.len + 1);
    p = ngx_cpymem(key.data, head[input_byte(&input) & 1], 8);

    for (i = 8; i < NGX_HTTP_TOLLGATE_KEY_SUM; i++) {
        *p++ = ngx_http_tollgate_key_base62[input_byte(&input) % 62];
    }

    key_checksum(key.data, p);
    CHECK(ngx_http_tollgate_key_well_formed(&key));
    key_check_hash(&key);

    at = input_byte(&input) % NGX_HTTP_TOLLGATE_KEY_LEN;
    key.data[at] ^= 1 + input_byte(&input) % 255;
    CHECK(!ngx_http_tollgate_key_well_formed(&key));

    ch = input_byte(&input);
    at = 8 + at % 42;
    ngx_memcpy(key.data, head[0], 8);
    key.data[at] = ch;
    key_checksum(key.data, key.data + NGX_HTTP_TOLLGATE_KEY_SUM);
    CHECK(ngx_http_tollgate_key_well_formed(&key)
          == key_expected(key.data, key.len));

    key.data[key.len++] = 'x';
    CHECK(!ngx_http_tollgate_key_well_formed(&key));
}


/* The lines are headers, or with the first byte '?' values of tollgate_key. */

static void
key_read(ngx_pool_t *pool, ngx_http_request_t *r, ngx_array_t *keys,
    struct input input)
{
    struct input               line, name;
    ngx_table_elt_t           *h;
    ngx_http_complex_value_t  *cv;

    while (input_cut(&input, '\n', &line)) {
        if (keys != NULL) {
            cv = ngx_array_push(keys);
            ngx_memzero(cv, sizeof(ngx_http_complex_value_t));
            cv->value = shim_str(pool, line);
            continue;
        }

        if (!input_cut(&line, ':', &name)) {
            continue;
        }

        h = ngx_list_push(&r->headers_in.headers);
        ngx_memzero(h, sizeof(ngx_table_elt_t));
        h->key = shim_str(pool, name);
        h->value = shim_str(pool, line);

        if (r->headers_in.authorization == NULL && h->key.len == 13
            && strncasecmp((char *) h->key.data, "authorization", 13) == 0)
        {
            r->headers_in.authorization = h;
        }
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ngx_pool_t                     *pool;
    ngx_http_request_t             *r;
    struct input                    input = { data, size };
    ngx_http_tollgate_ctx_t         ctx;
    ngx_http_tollgate_loc_conf_t    conf;
    ngx_http_tollgate_main_conf_t   tmcf;
    ngx_http_tollgate_store_t       store;
    ngx_http_tollgate_verdict_e     verdict;

    if (ngx_http_tollgate_key_digest == NULL) {
        CHECK(ngx_http_tollgate_key_init() == NGX_OK);
    }

    ngx_memzero(&ctx, sizeof(ctx));
    ngx_memzero(&conf, sizeof(conf));
    ngx_memzero(&tmcf, sizeof(tmcf));
    ngx_memzero(&store, sizeof(store));
    tmcf.nshards = 64;
    store.conf = &tmcf;
    conf.store = &store;
    ctx.conf = &conf;

    pool = shim_pool();
    r = shim_request(pool, &tmcf);

    if (size != 0 && *data == '?') {
        (void) input_byte(&input);
        conf.keys = ngx_pcalloc(pool, sizeof(ngx_array_t));
        CHECK(ngx_array_init(conf.keys, pool, 4,
                             sizeof(ngx_http_complex_value_t)) == NGX_OK);
    }

    key_read(pool, r, conf.keys, input);
    verdict = ngx_http_tollgate_key_find(r, &ctx);

    CHECK(verdict == (ctx.presented.len == 0 ? NGX_HTTP_TOLLGATE_KEY_MISSING
                      : key_expected(ctx.presented.data, ctx.presented.len)
                      ? NGX_HTTP_TOLLGATE_PASS
                      : NGX_HTTP_TOLLGATE_KEY_MALFORMED));
    CHECK(ctx.account == (verdict == NGX_HTTP_TOLLGATE_PASS));

    if (ctx.account) {
        CHECK(memcmp(ctx.charge.account, ctx.presented.data + 8, 10) == 0);
        CHECK(ctx.charge.shard < 64);
        key_check_hash(&ctx.presented);
    }

    key_check_made(pool, input);
    shim_pool_free(pool);

    return 0;
}
